/** Fakes for users' tests behave as a loaded model does: both are asked the same. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import "./worker.mjs";
import { loading } from "../../../pipeline/client/load.js";
import { fakeLoad, fakeModel, LoadError, ModelError } from "../../../pipeline/client/testing.js";
import { Caches, Network } from "./network.mjs";

Object.assign(navigator, { userAgent: "Chrome/140", hardwareConcurrency: 4 });
Object.assign(globalThis, {
  ...{ crossOriginIsolated: false, createImageBitmap() {} },
  document: { baseURI: "https://page.example/" },
});
new Caches();

const folder = mkdtempSync(`${tmpdir()}/testing-`);
const ROOT = `${pathToFileURL(folder).href}/`;
after(() => rmSync(folder, { recursive: true }));
const network = new Network();
const code = (name, text) => {
  writeFileSync(`${folder}/${name}`, text);
  const { bytes, sha256 } = network.serve(ROOT + name, text);
  return { name: "", path: name, bytes, sha256, features: [] };
};
const FEEDS = new URL("../../../pipeline/client/runtimes/feeds.js", import.meta.url).href;
const INPUTS = [{ name: "x", dtype: "float32", shape: [1, 2] }];
const OUTPUTS = { y: { dtype: "float32", shape: [1], data: new Float32Array([3]) } };
const ANSWER = [{ label: "cat", score: 0.5 }];

const manifest = {
  ...{ schema: 1, name: "m", release: "r", task: "a-task", source: { parameters: 1 } },
  inputs: INPUTS,
  artifacts: [
    {
      ...{ id: "onnx/fp32", format: "onnx", bytes: 0, files: [], half_precision: {} },
      validation: [
        {
          ...{ backend: "ort-wasm", engine: "chromium", status: "pass" },
          ...{ hardware: { kind: "cpu" }, latency: { median_ms: 1, first_ms: 1 } },
        },
      ],
    },
  ],
  runtimes: {
    "ort-wasm": {
      files: [
        code(
          "runtime.js",
          `import { checkFeeds } from "${FEEDS}";
           export const prepare = async () => {};
           export const open = async ({ manifest }) => ({
             canary: true, details: {}, memory: () => ({ tensors: 0, bytes: 0 }),
             run: async (feeds) => {
               checkFeeds(feeds, manifest.inputs);
               return { y: { dtype: "float32", shape: [1], data: new Float32Array([3]) } };
             },
             dispose: async () => {},
           });`,
        ),
      ],
    },
    "a-task": {
      files: [
        code(
          "task.js",
          `export const takes = [];
           export const inputOf = async (value) => {
             if (value === "wrong") throw Object.assign(new Error("no image"), { name: "ModelError", code: "input" });
             return { x: { dtype: "float32", shape: [1, 2], data: new Float32Array(2) } };
           };
           export const methods = { tell: () => [{ label: "cat", score: 0.5 }] };`,
        ),
      ],
    },
  },
};
network.serve(`${ROOT}m/latest.json`, JSON.stringify(manifest));

const tell = (value) => (value === "wrong" ? new ModelError("input", "no image") : ANSWER);
const real = () => loading(() => new URL(ROOT))(`${ROOT}m/latest.json`, { worker: false });
const fake = async () => fakeModel({ manifest, answers: { tell, predict: OUTPUTS } });

const errorOf = (promise) =>
  promise.then(
    () => assert.fail("it was answered"),
    ({ name, code, message }) => ({ name, code, message }),
  );
const tensor = (shape, data) => ({ x: { dtype: "float32", shape, data: new Float32Array(data) } });

/** What a model does, in words that two models can be compared by. */
async function behaviour(open) {
  const model = await open();
  const { info } = model;
  const said = {
    keys: Object.keys(model).sort(),
    symbols: Object.getOwnPropertySymbols(model).map(String).sort(),
    info: Object.keys(info).sort(),
    runs: [info.name, info.release, info.artifact, info.backend, info.methods, info.tried],
    answer: { ...(await model.tell("cat")) },
    tensors: await model.predict(tensor([1, 2], 2)),
    memory: await model.memory(),
    errors: [
      await errorOf(model.tell("wrong")),
      await errorOf(model.predict(tensor([1, 3], 3))),
      await errorOf(model.predict({ z: 1 })),
      await errorOf(model.predict(undefined)),
      await errorOf(model.tell("cat", { signal: AbortSignal.abort(new Error("enough")) })),
    ],
  };
  const [first, second] = await Promise.all([model.tell("cat"), model.tell("cat")]);
  assert.notEqual(first, second, "each call has an answer of its own");
  const late = model.tell("cat");
  await model.dispose();
  await late.catch(() => {});
  said.errors.push(await errorOf(model.tell("cat")), await errorOf(model.predict({ x: 1 })));
  return said;
}

test("a fake does what the real one does", async () => {
  const [found, wanted] = [await behaviour(fake), await behaviour(real)];
  assert.equal(wanted.errors.length, 7);
  assert.deepEqual(found, wanted);
});

test("answers come in the order of the calls, and a signal ends the wait", async () => {
  const order = [];
  const wait = async (ms) => {
    await new Promise((done) => setTimeout(done, ms));
    order.push(ms);
    return [];
  };
  const model = fakeModel({ answers: { tell: wait } });
  await Promise.all([model.tell(20), model.tell(1)]);
  assert.deepEqual(order, [20, 1]);
  const control = new AbortController();
  const slow = model.tell(30, { signal: control.signal });
  control.abort(new Error("enough"));
  await assert.rejects(slow, { message: "enough" });
  assert.deepEqual(order, [20, 1]);
});

test("what was not given is told, and an error is thrown", async () => {
  const lost = new ModelError("lost", "worker failed");
  const model = fakeModel({ answers: { tell: lost }, info: { backend: "tfjs-webgl" } });
  await assert.rejects(model.tell("x"), lost);
  assert.equal(model.info.backend, "tfjs-webgl");
  assert.equal(model.other, undefined);
  await assert.rejects(model.predict({}), { code: "input", message: /set answers.predict$/ });
});

test("a stream answers frames", async () => {
  const seen = [];
  const model = fakeModel({
    answers: {
      tell(frame, options) {
        seen.push([frame, options]);
        return [frame];
      },
    },
  });
  const found = [];
  for await (const one of model.stream(["a", "b"], { threshold: 1, track: true })) found.push(one);
  assert.deepEqual(
    found.map(({ result, timestamp, dropped }) => [result[0], timestamp, dropped]),
    [
      ["a", 0, 0],
      ["b", 40, 0],
    ],
  );
  assert.deepEqual(seen[0], ["a", { threshold: 1 }]);
  await assert.rejects(model.stream(["a"], { method: "sing" }).next(), { code: "input" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(model.stream(["a"], { signal }).next(), { message: "enough" });
});

test("a load finds models by their URLs", async () => {
  const none = new ModelError("nothing", "nothing here runs it");
  const load = fakeLoad({ "latest.json": { answers: { tell: ANSWER } }, "none.json": none });
  const progress = [];
  const model = await load("latest.json", { onProgress: (one) => progress.push(one) });
  assert.deepEqual([...(await model.tell("x"))], ANSWER);
  assert.deepEqual([progress[0].loaded, progress[0].total], [1, 1]);
  await assert.rejects(load("none.json"), none);
  await assert.rejects(load("other.json"), (error) => {
    assert.ok(error instanceof LoadError);
    return error.code === "http" && error.status === 404 && error.url === "other.json";
  });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(load("latest.json", { signal }), { message: "enough" });
});
