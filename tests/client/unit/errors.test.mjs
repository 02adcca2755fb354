/** What the client throws: a class, a code, and words that say what to do. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import "./worker.mjs";
import { explained, LoadError, ModelError, revived } from "../../../pipeline/client/errors.js";
import * as explain from "../../../pipeline/client/explain.js";
import { SCHEMA } from "../../../pipeline/client/limits.js";
import * as reasons from "../../../pipeline/client/reasons.js";

const CLIENT = fileURLToPath(new URL("../../../pipeline/client/", import.meta.url));

test("what travelled from a worker is an error again, with all its fields", () => {
  const error = revived({ name: "LoadError", code: "http", message: "HTTP 404", status: 404 });
  assert.ok(error instanceof LoadError && error instanceof ModelError);
  assert.deepEqual(
    [error.name, error.code, error.message, error.status],
    ["LoadError", "http", "HTTP 404", 404],
  );
  const other = revived({ name: "RuntimeFailure", code: "lost", message: "gone" });
  assert.ok(other instanceof ModelError && !(other instanceof LoadError));
  assert.deepEqual([other.name, other.code], ["ModelError", "lost"]);
  assert.equal(revived({ message: "x" }).code, "failed");
  const own = new TypeError("x");
  assert.equal(revived(own), own);
});

test("a cause is kept", () => {
  const cause = new Error("below");
  assert.equal(new LoadError("network", "x", { cause, url: "u" }).cause, cause);
});

test("the words of rare errors come where they are needed", async () => {
  const insecure = await explained("insecure");
  assert.ok(insecure instanceof LoadError);
  assert.equal(insecure.code, "insecure");
  const format = await explained("format", "https://a.example/x");
  assert.equal(format.url, "https://a.example/x");
  assert.match(format.message, /this is no release/);
  const foreign = await explained("foreign");
  assert.ok(foreign instanceof ModelError && !(foreign instanceof LoadError));
  assert.equal(foreign.code, "input");
});

test("a newer manifest is told by both versions, and the package by its own", async () => {
  const { version } = JSON.parse(readFileSync(`${CLIENT}package.json`, "utf8"));
  const { code, message } = await explained("format", "https://a.example/x", SCHEMA + 1);
  assert.equal(code, "format");
  assert.ok(message.includes(`schema ${SCHEMA + 1}, and model-pipeline-client ${version} reads`));
  assert.ok(message.includes(`up to ${SCHEMA}: take the client that lies beside`));
});

test("each reason why a tier is out has words", () => {
  for (const [name, out] of Object.entries(reasons)) {
    assert.equal(typeof explain.reason({ out }), "string", name);
  }
  assert.equal(explain.reason({ out: "the device was lost" }), "the device was lost");
  assert.match(explain.reason({ out: reasons.NOT_OFFERED }), /to workers$/);
  globalThis.document = {};
  assert.equal(explain.reason({ out: reasons.NOT_OFFERED }), "not offered by this browser");
  delete globalThis.document;
});

const tier = (id, backend, out) => ({ artifact: { id }, backend, out });
const TIERS = [
  tier("a/fp32", "ort-wasm", reasons.NOT_PROVED),
  tier("b/fp32", "tfjs-webgl", "lost"),
];

test("what is not there is named with what is", () => {
  const { code, message } = explain.notThere({ artifact: "a/fp64" }, TIERS);
  assert.equal(code, "input");
  assert.equal(
    message,
    "this release has not a/fp64 on any backend, but a/fp32 on ort-wasm, b/fp32 on tfjs-webgl",
  );
  assert.match(explain.notThere({ backend: "webgl" }, []).message, /not any artifact on webgl/);
});

test("where nothing runs, each tier is listed with its reason", () => {
  const tried = [{ artifact: "b/fp32" }];
  assert.deepEqual(explain.nothing(TIERS, tried), {
    code: "nothing",
    message: "nothing here runs it: a/fp32 on ort-wasm: did not pass; b/fp32 on tfjs-webgl: lost",
    tried,
  });
});

test("a pin is a digest in base64, and what is none equals no digest", () => {
  const sha256 = "00ff10".padEnd(64, "ab");
  const pin = `sha256-${Buffer.from(sha256, "hex").toString("base64")}`;
  assert.equal(explain.hexOf(pin), sha256);
  assert.equal(explain.hexOf("sha256-§"), "sha256-§");
  assert.equal(explain.hexOf(""), "");
  assert.ok(explain.integrity("https://a.example/latest.json", sha256).message.includes(pin));
});

test("errors that advise do so", () => {
  assert.match(explain.environment().message, /onnxruntime-node/);
  assert.match(explain.noWorker("").message, /CSP \(worker-src\).*README/);
  assert.match(explain.noWorker("refused").message, /could start: refused; see/);
  assert.match(explain.notSent("no functions").message, /\{dtype, shape, data\}.*no functions$/);
  assert.match(explain.notSent("no", [1]).message, /another origin: it needs crossorigin/);
  assert.match(explain.unchecked("https://a.example/x.js").message, /runs unchecked: CSP/);
});
