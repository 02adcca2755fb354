/** Numbers by the names that NumPy gives their types, and inputs and outputs by theirs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrayOf, kindOf } from "../../../../pipeline/client/runtimes/dtypes.js";
import { checkNames, mapped, namesOf } from "../../../../pipeline/client/runtimes/record.js";

test("each dtype has its array and its kind", () => {
  const known = {
    float32: [Float32Array, "float"],
    float64: [Float64Array, "float"],
    int8: [Int8Array, "int"],
    uint8: [Uint8Array, "int"],
    uint16: [Uint16Array, "int"],
    int64: [BigInt64Array, "int"],
    uint64: [BigUint64Array, "int"],
    bool: [Uint8Array, "bool"],
  };
  for (const [dtype, [array, kind]] of Object.entries(known)) {
    assert.equal(arrayOf(dtype), array, dtype);
    assert.equal(kindOf(dtype), kind, dtype);
  }
});

test("names are compared in whatever order", () => {
  assert.deepEqual(namesOf([{ name: "a" }, { name: "b" }]), ["a", "b"]);
  assert.deepEqual(
    mapped({ a: 1, b: 2 }, (value) => -value),
    { a: -1, b: -2 },
  );
  checkNames(["a", "b"], ["b", "a"], "takes");
  assert.throws(() => checkNames(["a"], ["a", "b"], "takes"), {
    message: "the model takes [a], the artifact promises [a,b]",
  });
  // TF.js calls each output of a recurrent layer by the layer's name.
  assert.throws(() => checkNames(["a", "a"], ["a", "b"], "takes"));
});
