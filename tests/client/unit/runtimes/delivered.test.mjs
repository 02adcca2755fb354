/** What bundles make of the files that a client hands over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { delivered, named, withUrls } from "../../../../pipeline/client/runtimes/delivered.js";

/** @param {number[]} values */
const bytes = (...values) => Uint8Array.from(values).buffer;

/** Until what only a reference that does not hold it knows is collected, or a while. @param {WeakRef<any>} reference */
async function collected(reference) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  for (let tries = 0; reference.deref() && tries < 20; tries++) {
    await new Promise((done) => setTimeout(done, 5));
    collect();
  }
}

const read = async (url) => [...new Uint8Array(await (await fetch(url)).arrayBuffer())];

test("parts of a file are joined in their order, however they come", async () => {
  const assets = {
    "b.wasm.2": bytes(5),
    "a-simd.wasm": bytes(9),
    "b.wasm": bytes(1, 2),
    "b.wasm.3": bytes(7),
    "b.wasm.1": bytes(3, 4),
  };
  const joined = await withUrls(assets, async (urls) => {
    const entries = Object.entries(urls).map(async ([name, url]) => [name, await read(url)]);
    return Object.fromEntries(await Promise.all(entries));
  });
  assert.deepEqual(joined, { "a-simd.wasm": [9], "b.wasm": [1, 2, 3, 4, 5, 7] });
});

test("URLs of a runtime's files end with the work that needs them, also where it fails", async () => {
  let kept;
  const work = withUrls({ "a.wasm": bytes(1) }, async (urls) => {
    kept = urls["a.wasm"];
    throw new Error("no");
  });
  await assert.rejects(work, /^Error: no$/);
  await assert.rejects(fetch(kept));
});

test("files have the names that their entry gives them, which lies beside them", () => {
  const artifact = {
    entry: "files/model.json",
    files: [{ path: "files/model.json" }, { path: "files/a.bin" }],
  };
  const contents = [bytes(1), bytes(2)];
  assert.deepEqual(named(artifact, contents), {
    entry: contents[0],
    files: { "a.bin": contents[1] },
  });
});

const SPECS = [{ name: "x", dtype: "float32", shape: [null, 2] }];
const X = { dtype: "float32", shape: [1, 2], data: new Float32Array(2) };
const delivery = (canary) => ({
  artifact: {
    format: "onnx",
    entry: "a.onnx",
    files: [{ path: "a.onnx" }],
    canary: canary?.wanted,
  },
  manifest: { inputs: SPECS, outputs: [], canary },
  contents: [bytes(1)],
  assets: {},
});

test("a runtime takes what came as it came, and checks what it is fed", async () => {
  let request;
  const runtime = delivered({
    open: async (asked) => {
      request = asked;
      return { run: async () => "ran", dispose: async () => {} };
    },
  });
  const model = await runtime.open(delivery());
  assert.deepEqual([request.format, request.inputs, model.canary], ["onnx", SPECS, false]);
  assert.equal(await model.run({ x: X }), "ran");
  await assert.rejects(model.run({}), { code: "input" });
});

test("a model whose canary is wrong is disposed of, and the canary is what is told", async () => {
  let disposed = 0;
  const runtime = delivered({
    open: async () => ({
      run: async () => ({ y: { data: [0] } }),
      dispose: async () => {
        disposed++;
        throw new Error("what is broken may not be able to let go");
      },
    }),
  });
  const canary = {
    inputs: { x: { dtype: "float32", shape: [1, 2], grid: [1, 1], values: [0] } },
    wanted: { outputs: { y: { indices: [0], values: [1] } }, tolerance: 0.1 },
  };
  await assert.rejects(runtime.open(delivery(canary)), { code: "canary" });
  assert.equal(disposed, 1);
});

test("a model's files are let go once it is open", async () => {
  const given = { ...delivery(), contents: [bytes(1)] };
  const file = new WeakRef(given.contents[0]);
  const { open } = delivered({ open: async () => ({ run: async () => "ran" }) });
  const model = await open(given);
  assert.deepEqual(given.contents, []);
  await collected(file);
  assert.equal(file.deref(), undefined, "neither the model nor who gave it holds them");
  assert.equal(await model.run({ x: X }), "ran");
});
