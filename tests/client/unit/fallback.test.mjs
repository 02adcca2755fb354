/** What is left to try once a tier failed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { without } from "../../../pipeline/client/fallback.js";

const [A, B] = [{ id: "a" }, { id: "b" }];
const parts = [{ path: "runtimes/wasm.js" }];
const tiersOf = () =>
  [
    [A, "tfjs-webgl"],
    [A, "tfjs-wasm"],
    [B, "tfjs-webgl"],
    [B, "tfjs-wasm"],
    [A, "ort-wasm"],
  ].map(([artifact, backend]) => ({ artifact, backend, parts, out: false }));

/** What is tried after the first failed so, in order. */
const left = (error, wish = {}) => {
  const tiers = tiersOf();
  const tried = [];
  const after = without(tiers[0], error, tiers, wish, tried);
  return {
    tried,
    next: after
      .filter(({ out }) => !out)
      .map(({ artifact, backend }) => `${artifact.id} ${backend}`),
  };
};

test("a wrong answer costs the artifact on that backend; its other backends come next", () => {
  const { next, tried } = left({ code: "canary", message: "y[0] is 1" });
  assert.deepEqual(next, ["a tfjs-wasm", "a ort-wasm", "b tfjs-webgl", "b tfjs-wasm"]);
  assert.deepEqual(tried, [
    { artifact: "a", backend: "tfjs-webgl", code: "canary", message: "y[0] is 1" },
  ]);
});

test("a backend that cannot start is tried for no other artifact", () => {
  assert.deepEqual(left({ code: "unavailable" }).next, [
    "a tfjs-wasm",
    "a ort-wasm",
    "b tfjs-wasm",
  ]);
});

test("a runtime's file that does not come costs the backend", () => {
  const url = "https://cdn.example/runtimes/wasm.js";
  assert.deepEqual(left({ code: "http", url }).next, ["a tfjs-wasm", "a ort-wasm", "b tfjs-wasm"]);
});

test("an artifact's file that does not come costs the artifact", () => {
  const url = "https://cdn.example/files/a.bin";
  assert.deepEqual(left({ code: "http", url }).next, ["b tfjs-webgl", "b tfjs-wasm"]);
});

test("a backend that was asked for is opened anew, three times", () => {
  const tiers = tiersOf().slice(0, 1);
  const [tier] = tiers;
  const lose = () => without(tier, { code: "lost", message: "gone" }, tiers, Wish, []);
  const Wish = { backend: "tfjs-webgl" };
  for (let time = 0; time < 3; time++) {
    assert.equal(lose(), tiers);
    assert.equal(tier.out, false);
  }
  lose();
  assert.equal(tier.out, "gone");
});

test("one that nobody asked for is left at once", () => {
  assert.equal(left({ code: "lost" }).next[0], "a tfjs-wasm");
});

test("an error without a code or words is told all the same", () => {
  assert.deepEqual(left({}).tried[0].code, "failed");
});
