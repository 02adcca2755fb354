/** What does not fit a model is named, with what would. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFeeds } from "../../../../pipeline/client/runtimes/feeds.js";

const SPECS = [{ name: "image", dtype: "float32", shape: [null, 8, 8, 3] }];
const TENSOR = { dtype: "float32", shape: [1, 8, 8, 3], data: new Float32Array(192) };
const TAKES = 'input "image" takes float32 [?, 8, 8, 3], and was given ';

const refused = (feeds, specs = SPECS) => {
  try {
    checkFeeds(feeds, specs);
  } catch (error) {
    assert.deepEqual([error.name, error.code], ["RuntimeFailure", "input"]);
    return error.message;
  }
};

/** What differs from a tensor that fits -> what is said of it. */
const CHANGES = [
  [{ shape: [1, 4, 16, 3] }, "float32 [1, 4, 16, 3]"],
  [{ shape: [8, 8, 3] }, "float32 [8, 8, 3]"],
  [{ dtype: "int32" }, "int32 [1, 8, 8, 3]"],
  [{ data: new Float64Array(192) }, "float32 [1, 8, 8, 3] in a Float64Array"],
  [{ data: new Float32Array(5) }, "float32 [1, 8, 8, 3] with 5 values where that needs 192"],
  [{ shape: undefined }, "something other than {dtype, shape, data}"],
];

for (const [change, words] of CHANGES) {
  test(`refuses ${words}`, () => {
    assert.equal(refused({ image: { ...TENSOR, ...change } }), TAKES + words);
  });
}

test("refuses an array alone, nothing, and an input that it does not know", () => {
  assert.equal(
    refused({ image: TENSOR.data }),
    `${TAKES}something other than {dtype, shape, data}`,
  );
  assert.equal(refused({}), `${TAKES}nothing`);
  assert.equal(refused(undefined), `${TAKES}nothing`);
  assert.equal(refused({ picture: TENSOR }), 'there is no input "picture"; the model takes image');
});

test("takes any batch, plain arrays, and each dtype in what holds it", () => {
  assert.equal(refused({ image: TENSOR }), undefined);
  const two = { ...TENSOR, shape: [2, 8, 8, 3], data: new Float32Array(384) };
  assert.equal(refused({ image: two }), undefined);
  assert.equal(refused({ image: { ...TENSOR, data: new Array(192).fill(0) } }), undefined);
  const arrays = {
    bool: new Uint8Array(1),
    int64: new BigInt64Array(1),
    uint64: new BigUint64Array(1),
    float16: new Uint16Array(1),
    int8: new Int8Array(1),
  };
  for (const [dtype, data] of Object.entries(arrays)) {
    const specs = [{ name: "x", dtype, shape: [] }];
    assert.equal(refused({ x: { dtype, shape: [], data } }, specs), undefined, dtype);
    assert.equal(
      refused({ x: { dtype, shape: [], data: new Float32Array(1) } }, specs),
      `input "x" takes ${dtype} [], and was given ${dtype} [] in a Float32Array`,
    );
  }
});
