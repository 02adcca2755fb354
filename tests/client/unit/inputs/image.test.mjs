/** Pictures become inputs as the pipeline has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../../../pipeline/inputs/image/input.js";
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
  const { dtype, image: options, shape, values } = picture;
  test(`${shape} becomes ${options.size} ${options.color} in ${dtype}`, async () => {
    const manifest = { inputs: [{ name: "image", dtype }], input: { image: options } };
    const { image } = await inputOf(imageOf(picture), manifest);
    const [height, width] = options.size ?? shape;
    assert.deepEqual(image.shape, [1, height, width, options.color === "rgb" ? 3 : 1]);
    assert.equal(image.dtype, dtype);
    assert.equal(image.data.constructor.name.toLowerCase(), `${dtype}array`);
    assert.equal(image.data.length, values.length);
    const [low, high] = options.scale;
    const bound = dtype === "float32" ? 1e-6 * (high - low) : 0;
    for (const [i, value] of values.entries()) {
      assert.ok(Math.abs(image.data[i] - value) <= bound, `[${i}]: ${image.data[i]}, not ${value}`);
    }
  });
}
