/** A canary is read as the pipeline wrote it, and no wrong answer to it passes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answers, decode, wrong } from "../../../../pipeline/client/runtimes/canary.js";
import { CASES } from "../cases.mjs";

const KINDS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
};

for (const { encoded, values } of CASES.canaries) {
  test(`${encoded.dtype} ${encoded.shape} is what the pipeline decodes`, () => {
    const { dtype, shape, data } = decode(encoded);
    assert.deepEqual([dtype, shape], [encoded.dtype, encoded.shape]);
    assert.ok(data instanceof KINDS[dtype]);
    assert.equal(data.length, values.length);
    for (const [i, value] of values.entries()) {
      const off = Math.abs(Number(data[i]) - value);
      assert.ok(off <= 1e-6 * Math.abs(value) + 1e-7, `[${i}] is ${data[i]}, not ${value}`);
    }
  });
}

const RIGHT = { outputs: { y: { indices: [0, 3], values: [0.25, 0.75] } }, tolerance: 0.01 };

/** @param {number[]} data */
const said = (...data) => wrong({ y: { data: Float32Array.from(data) } }, RIGHT);

test("only right answers pass", () => {
  assert.equal(said(0.25, 9, 9, 0.75), null);
  assert.equal(said(0.254, 9, 9, 0.746), null);
  assert.match(said(0.25, 9, 9, 0.74), /^y\[3\] is 0\.74/);
  assert.equal(said(Number.NaN, 9, 9, 0.75), "y[0] is NaN where 0.25 is right");
  assert.equal(said(0.25, 9, 9, Number.POSITIVE_INFINITY), "y[3] is Infinity where 0.75 is right");
  assert.equal(said(0.25), "y[3] is undefined where 0.75 is right");
});

test("a tolerance is a share of the answer's span, or of its only value", () => {
  const one = (value, right) =>
    wrong(
      { y: { data: [value] } },
      { outputs: { y: { indices: [0], values: [right] } }, tolerance: 0.1 },
    );
  assert.equal(one(109, 100), null);
  assert.equal(one(111, 100), "y[0] is 111 where 100 is right");
  assert.equal(one(0.09, 0), null);
  assert.equal(one(0.11, 0), "y[0] is 0.11 where 0 is right");
});

test("a model that answers otherwise does not open", async () => {
  const canary = { inputs: { x: { dtype: "float32", shape: [1, 2], grid: [1, 1], values: [3] } } };
  let fed;
  const model = (data) => ({
    run: async (feeds) => {
      fed = feeds;
      return { y: { data } };
    },
  });
  assert.equal(await answers(model([0.25, 0, 0, 0.75]), canary, RIGHT), true);
  assert.deepEqual([...fed.x.data], [3, 3]);
  await assert.rejects(answers(model([0, 0, 0, 0.75]), canary, RIGHT), {
    name: "RuntimeFailure",
    code: "canary",
    message: "y[0] is 0 where 0.25 is right",
  });
});

test("where a release or an artifact has none, none is asked", async () => {
  assert.equal(await answers({}, null, RIGHT), false);
  assert.equal(await answers({}, { inputs: {} }, null), false);
});
