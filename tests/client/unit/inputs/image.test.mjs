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

/** How far numbers may differ: sines of the two languages do in their last bit. */
const near = (found, wanted, bound) =>
  found.every((value, i) => Math.abs(value - wanted[i]) <= bound) && found.length === wanted.length;

/** A region as callers ask for it. */
const asked = ({ x, y, width, height, angle }) => ({
  region: { x: x - width / 2, y: y - height / 2, width, height },
  rotation: (angle * 180) / Math.PI,
});

for (const picture of CASES.regions) {
  const { region, image: options, values } = picture;
  const { points, ...wanted } = picture.origin;
  const bound = 1e-6 * (options.scale[1] - options.scale[0]);
  const manifest = {
    inputs: [{ name: "image", dtype: "float32", shape: [] }],
    input: { image: options },
  };
  test(`a region of ${JSON.stringify(region)}, ${options.fit}`, async () => {
    const { image } = await inputOf(imageOf(picture), manifest, {}, asked(region));
    assert.deepEqual(image.shape, sizeOf(picture));
    assert.ok(near([...image.data], values, bound));
    for (const [name, value] of Object.entries(wanted))
      assert.ok(near(image.origin[name], value, 1e-12), name);
    for (const [i, point] of POINTS.entries())
      assert.ok(near(toImage(point, image.origin), points[i], 1e-9));
  });

  if (options.fit === "stretch")
    test("the same of what knows its angle", async () => {
      const { image } = await inputOf(imageOf(picture), manifest, {}, { region });
      assert.deepEqual(image.origin, wanted);
      assert.ok(near([...image.data], values, bound));
      for (const point of POINTS)
        assert.ok(near(toRegion(fromRegion(point, region), region), point, 1e-12));
    });
}

const manifestOf = (image) => ({
  inputs: [{ name: "image", dtype: "float32", shape: [] }],
  input: { image },
});

test("the whole image, turned by a right angle, is as wide as it was high", async () => {
  const [picture] = CASES.images;
  const [height, width] = picture.shape;
  const how = manifestOf({ ...picture.image, size: null, layout: "nhwc" });
  const whole = (await inputOf(imageOf(picture), how)).image;
  const { image } = await inputOf(imageOf(picture), how, {}, { rotation: 90 });
  assert.deepEqual(image.shape, [1, width, height, 3]);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // What was right comes to be above: the frame turns clockwise, what it shows the other way.
      const [row, column] = [width - 1 - x, y];
      const found = image.data.slice((row * height + column) * 3).slice(0, 3);
      assert.ok(near([...found], [...whole.data.slice((y * width + x) * 3).slice(0, 3)], 1e-3));
    }
});

test("a part without a turn is what the same pixels are alone", async () => {
  const [picture] = CASES.images;
  const image = imageOf(picture);
  const [x, y, width, height] = [2, 1, 4, 3];
  const data = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * 4;
    data.set(image.data.subarray(from, from + width * 4), row * width * 4);
  }
  const how = manifestOf({ ...picture.image, size: null });
  const part = await inputOf(image, how, {}, { region: { x, y, width, height } });
  assert.deepEqual(part.image.data, (await inputOf({ width, height, data }, how)).image.data);
});

test("what is no region of the image is told", async () => {
  const [picture] = CASES.images;
  const ask = (asked) => inputOf(imageOf(picture), manifestOf(picture.image), {}, asked);
  for (const region of [
    { x: 0.1, y: 0.1, width: 0.5, height: 0.5 },
    { x: 0, y: 0, width: 4, height: -4 },
    { x: 0, y: 0, width: 4 },
    { x: "0", y: 0, width: 4, height: Number.NaN },
  ])
    await assert.rejects(ask({ region }), { code: "input", message: /in pixels of the image/ });
  await assert.rejects(ask({ rotation: "right" }), { code: "input", message: /degrees/ });
  const region = { x: 70, y: 0, width: 5, height: 5 };
  await assert.rejects(ask({ region }), { code: "input", message: /outside.* 7x5 pixels/ });
  await ask({ region: { x: 6, y: 3, width: 5, height: 5 }, rotation: 45 });
});

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
