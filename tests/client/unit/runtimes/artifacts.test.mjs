/** The weights of a TF.js model as TF.js takes them, and when they are let go. */
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

register("../packages.mjs", import.meta.url);
const { artifactsOf, decodeWeights } = await import(
  "../../../../pipeline/client/runtimes/tfjs/artifacts.js"
);
const { setBackend } = await import("@tensorflow/tfjs-core");
await import("@tensorflow/tfjs-backend-cpu");
await setBackend("cpu");

const uint8 = { dtype: "uint8", scale: 0.5, min: -1 };
const SPECS = [
  { name: "a", dtype: "float32", shape: [3] },
  { name: "none", dtype: "float32", shape: [0, 4] },
  { name: "b", dtype: "float32", shape: [5], quantization: uint8 },
  { name: "c", dtype: "int32", shape: [] },
  { name: "d", dtype: "bool", shape: [2] },
  { name: "e", dtype: "float32", shape: [2], quantization: { dtype: "float16" } },
];
const BYTES = new Uint8Array([
  ...new Uint8Array(new Float32Array([1.5, -2, 3]).buffer),
  ...[0, 1, 2, 254, 255],
  ...new Uint8Array(new Int32Array([-7]).buffer),
  ...[1, 0],
  ...new Uint8Array(new Uint16Array([0x3c00, 0xc000]).buffer),
]);
const VALUES = {
  a: [1.5, -2, 3],
  none: [],
  b: [-1, -0.5, 0, 126, 126.5],
  c: [-7],
  d: [1, 0],
  e: [1, -2],
};

/** @param {Record<string, any>} tensors */
const valuesOf = (tensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, [...one.dataSync()]]));

/**
 * @param {number} shardBytes
 */
function request(shardBytes) {
  const count = Math.ceil(BYTES.length / shardBytes);
  const files = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `${index}.bin`,
      BYTES.slice(index * shardBytes, (index + 1) * shardBytes).buffer,
    ]),
  );
  const json = {
    modelTopology: {},
    weightsManifest: [{ paths: Object.keys(files), weights: SPECS }],
  };
  return { entry: new TextEncoder().encode(JSON.stringify(json)).buffer, files };
}

for (const shardBytes of [1, 4, 5, 12, 17, 1000]) {
  test(`each weight is whole, in shards of ${shardBytes} bytes, which nothing holds then`, async () => {
    const given = request(shardBytes);
    const { weightData: shards, weightSpecs } = await artifactsOf(given);
    assert.deepEqual(given.files, {});
    assert.deepEqual(valuesOf(decodeWeights(shards, weightSpecs)), VALUES);
    assert.deepEqual(shards, []);
  });
}

test("shards that are alike have one name, and are read twice", async () => {
  const weights = ["a", "b"].map((name) => ({ name, dtype: "float32", shape: [1] }));
  const json = {
    modelTopology: {},
    weightsManifest: weights.map((spec) => ({ paths: ["same.bin"], weights: [spec] })),
  };
  const entry = new TextEncoder().encode(JSON.stringify(json)).buffer;
  const files = { "same.bin": new Float32Array([2.5]).buffer };
  const { weightData, weightSpecs } = await artifactsOf({ entry, files });
  assert.deepEqual(valuesOf(decodeWeights(weightData, weightSpecs)), { a: [2.5], b: [2.5] });
  assert.deepEqual(files, {});
});

test("a model without weights has none to decode", () => {
  assert.deepEqual(decodeWeights([], []), {});
});

test("strings say themselves how long they are", () => {
  const content = new Uint8Array([...new Uint8Array(new Uint32Array([2]).buffer), 104, 105]);
  const { s } = decodeWeights([content.buffer], [{ name: "s", dtype: "string", shape: [1] }]);
  assert.deepEqual(s.dataSync(), ["hi"]);
});

test("a shard that is cut is told by its bytes", async () => {
  const given = request(12);
  given.files["1.bin"] = given.files["1.bin"].slice(1);
  await assert.rejects(
    async () => artifactsOf(given),
    /model.json needs 27 bytes of weights, its 3 shards hold 26/,
  );
});
