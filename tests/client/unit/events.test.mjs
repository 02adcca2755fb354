/** What happens to a model is told, in order, and nothing of it changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../../pipeline/client/errors.js";
import { observed } from "../../../pipeline/client/events.js";

const file = (url, loaded, total, cached = false) => ({ url, loaded, total, cached });
const RUNS = {
  ...{ name: "m", release: "r", artifact: "a", backend: "b", thread: "worker" },
  why: ["least time"],
};

/** A `load` that goes so, and what is told of it. */
const watch = ({ progress = [], tried = [], tell = async () => "answer", error } = {}) => {
  const info = { ...RUNS, methods: ["tell"], tried };
  const model = { info, predict: async () => "tensors", tell };
  const events = [];
  const load = async (_url, { onProgress }) => {
    for (const files of progress) onProgress({ files });
    if (error) throw error;
    return model;
  };
  return { info, model, events, load: observed(load, (event) => events.push(event)) };
};
const typesOf = (events) => events.map(({ type }) => type);

test("each file is told of once, when it is there", async () => {
  const progress = [0, 4, 10, 10].map((loaded, i) => [
    file("x", loaded, 10),
    file("y", i ? 5 : 0, 5, i > 0),
    file("empty", 0, 0),
  ]);
  const seen = [];
  const { load, events } = watch({ progress });
  await load("u", { onProgress: ({ files }) => seen.push(files) });
  assert.deepEqual(seen, progress, "who asks for progress has it too");
  const downloads = events.filter(({ type }) => type === "download");
  assert.deepEqual(
    downloads.map(({ url, bytes, cached }) => [url, bytes, cached]),
    [
      ["empty", 0, false],
      ["y", 5, true],
      ["x", 10, false],
    ],
  );
  for (const { ms, atMs } of downloads) assert.ok(ms >= 0 && atMs >= ms);
  const { type, atMs, ...chosen } = events.at(-1);
  assert.equal(type, "chosen");
  assert.deepEqual(chosen, RUNS);
});

test("the first answer is told of, and what fell out on the way", async () => {
  const lost = { artifact: "a", backend: "gpu", code: "lost", message: "gone" };
  const { load, events, info } = watch({ tried: [lost] });
  const model = await load("u");
  assert.deepEqual(typesOf(events), ["fallback", "chosen"]);
  assert.deepEqual(events[0], { type: "fallback", ...lost });
  assert.equal(await model.tell("x", {}), "answer");
  const { method, ms, atMs } = events[2];
  assert.ok(method === "tell" && ms >= 0 && atMs >= ms);
  info.tried = [lost, { ...lost, backend: "b" }];
  info.backend = "c";
  assert.equal(await model.predict({}), "tensors");
  assert.deepEqual(typesOf(events.slice(3)), ["fallback", "chosen"]);
  assert.deepEqual([events[3].backend, events[4].backend], ["b", "c"]);
});

test("errors are told of and thrown, but for what a signal ended", async () => {
  const tried = [{ artifact: "a", backend: "b", code: "failed", message: "no" }];
  const error = new ModelError("nothing", "nothing here runs it", { tried });
  const one = watch({ error });
  await assert.rejects(one.load("u"), error);
  const told = { type: "error", during: "load", code: "nothing", message: "nothing here runs it" };
  assert.deepEqual(one.events, [{ type: "fallback", ...tried[0] }, told]);
  const wrong = Object.assign(new ModelError("input", "no image"), { status: 404 });
  const two = watch({ tell: () => Promise.reject(wrong) });
  const model = await two.load("u");
  await assert.rejects(model.tell("x"), wrong);
  const { type, ...fields } = two.events.at(-1);
  assert.deepEqual(fields, { during: "tell", code: "input", message: "no image", status: 404 });
  const signal = AbortSignal.abort();
  await assert.rejects(model.tell("x", { signal }), wrong);
  assert.deepEqual(typesOf(two.events), ["chosen", "error"]);
});

test("a listener that throws stops nothing", async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  const wrong = new Error("the listener's");
  const load = observed(watch().load, () => {
    throw wrong;
  });
  assert.equal(await (await load("u")).tell("x"), "answer");
  assert.deepEqual(reported, [wrong, wrong]);
});
