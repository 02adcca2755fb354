/** Pictures become inputs as the pipeline has it, to the bit. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { originOf, toImage } from "../../../../pipeline/inputs/image/fit.js";
import { inputOf } from "../../../../pipeline/inputs/image/input.js";
import { fromRegion, toRegion } from "../../../../pipeline/inputs/image/region.js";

const FILE = new URL("../../../../pipeline/inputs/image/cases.json", import.meta.url);
const CASES = JSON.parse(readFileSync(FILE, "utf8"));
const POINTS = [
  [0, 0],
  [3.5, 1.25],
  [8, 6],
];

/** RGBA of a case's pixels, which may have less. */
const imageOf = ({ pixels, shape: [height, width, channels] }) => {
  const from = Buffer.from(pixels, "base64");
  const data = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < channels; c++) data[i * 4 + c] = from[i * channels + c];
  }
  return { width, height, data };
};

const sizeOf = ({ shape, image: { size, color, layout } }) => {
  const [height, width] = size ?? shape;
  const channels = color === "grey" ? 1 : 3;
  return layout === "nchw" ? [1, channels, height, width] : [1, height, width, channels];
};

const named = ({ shape, image }) =>
  `${shape} becomes ${JSON.stringify(image).replaceAll(/"|\w+:null,?/g, "")}`;

for (const picture of CASES.images) {
  const { dtype, image: options, shape, values } = picture;
  test(`${named(picture)} in ${dtype}`, async () => {
    const manifest = { inputs: [{ name: "image", dtype, shape: [] }], input: { image: options } };
    const { image } = await inputOf(imageOf(picture), manifest);
    assert.deepEqual(image.shape, sizeOf(picture));
    assert.equal(image.dtype, dtype);
    const { points, ...origin } = picture.origin;
    assert.deepEqual(image.origin, origin, "the task's code is told how it lies there");
    assert.equal(image.data.constructor.name.toLowerCase(), `${dtype}array`);
    assert.deepEqual([...image.data], values.map(dtype === "float32" ? Math.fround : Number));
  });

  test(`${named(picture)}, and points come back`, () => {
    const { points, ...wanted } = picture.origin;
    const origin = originOf(options, shape[0], shape[1]);
    assert.deepEqual(origin, wanted);
    assert.deepEqual(
      POINTS.map((point) => toImage(point, origin)),
      points,
    );
  });
}

for (const picture of CASES.regions) {
  const { region, image: options, values } = picture;
  test(`a region of ${JSON.stringify(region)}`, async () => {
    const inputs = [{ name: "image", dtype: "float32", shape: [] }];
    const manifest = { inputs, input: { image: options } };
    const { image } = await inputOf(imageOf(picture), manifest, {}, region);
    const { shape, data, origin } = image;
    assert.deepEqual(shape, sizeOf(picture));
    const { points, ...wanted } = picture.origin;
    assert.deepEqual(origin, wanted);
    for (const [i, point] of POINTS.entries()) {
      const [x, y] = toImage(point, origin);
      assert.ok(Math.hypot(x - points[i][0], y - points[i][1]) < 1e-9);
    }
    // Sines of the two languages differ in their last bit.
    const bound = 1e-6 * (options.scale[1] - options.scale[0]);
    for (const [i, value] of values.entries())
      assert.ok(Math.abs(data[i] - value) <= bound, `${i}`);
    for (const point of POINTS) {
      const [x, y] = toRegion(fromRegion(point, region), region);
      assert.ok(Math.hypot(x - point[0], y - point[1]) < 1e-12);
    }
  });
}

test("channels are where the model's input has them", async () => {
  const picture = CASES.images[0];
  for (const [shape, wanted] of [
    [[null, 5, 7, 3], "5,7,3"],
    [[null, 3, 5, 7], "3,5,7"],
    [[null, 3, null, null], "3,5,7"],
    [[null, null, null, 3], "5,7,3"],
  ]) {
    const inputs = [{ name: "image", dtype: "float32", shape }];
    const { image } = await inputOf(imageOf(picture), { inputs, input: { image: picture.image } });
    assert.equal(`${image.shape.slice(1)}`, wanted);
  }
});
