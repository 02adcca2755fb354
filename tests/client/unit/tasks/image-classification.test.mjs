/** Pictures become inputs, and outputs answers, as the pipeline has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, inputOf } from "../../../../pipeline/tasks/image_classification/task.js";
import { CASES } from "../cases.mjs";

/** RGBA of a case's pixels, which may have less. */
const imageOf = ({ pixels, shape: [height, width, channels] }) => {
  const from = Buffer.from(pixels, "base64");
  const data = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) data[i * 4 + c] = from[i * channels + c];
  }
  return { width, height, data };
};

for (const picture of CASES.inputs) {
  const { dtype, preprocess, shape, values } = picture;
  test(`${shape} becomes ${preprocess.resize} ${preprocess.color} in ${dtype}`, async () => {
    const manifest = { inputs: [{ name: "image", dtype }], preprocess };
    const { image } = await inputOf(imageOf(picture), manifest);
    const [height, width] = preprocess.resize ?? shape;
    assert.deepEqual(image.shape, [1, height, width, preprocess.color === "rgb" ? 3 : 1]);
    assert.equal(image.dtype, dtype);
    assert.equal(image.data.constructor.name.toLowerCase(), `${dtype}array`);
    assert.equal(image.data.length, values.length);
    const [low, high] = preprocess.scale;
    const bound = dtype === "float32" ? 1e-6 * (high - low) : 0;
    for (const [i, value] of values.entries()) {
      assert.ok(Math.abs(image.data[i] - value) <= bound, `[${i}]: ${image.data[i]}, not ${value}`);
    }
  });
}

const asked = (data, more) =>
  answer({ y: { data: Float32Array.from(data) } }, { outputs: [{ name: "y", ...more }], ...more });

test("answers are ranked as the pipeline does: of equals, the first one", () => {
  for (const { scores, order } of CASES.ranked) {
    const labels = scores.map((_, i) => `label ${i}`);
    const found = asked(scores, { softmax: true, labels });
    assert.deepEqual(
      found.map(({ index }) => index),
      order,
    );
    assert.deepEqual(
      found.map(({ label, score }) => [label, score]),
      order.map((index) => [labels[index], Math.fround(scores[index])]),
    );
  }
});

test("logits become probabilities, also where powers would overflow", () => {
  for (const { logits, values } of CASES.probabilities) {
    const found = asked(logits, { softmax: false, labels: null });
    assert.equal(found.length, logits.length);
    for (const { index, label, score } of found) {
      assert.equal(label, String(index));
      assert.ok(Math.abs(score - values[index]) <= 1e-6, `${score}, not ${values[index]}`);
    }
  }
});
