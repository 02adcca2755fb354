/** Of a large picture only those pixels are read that decide what it becomes: with the same result. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../../../../pipeline/inputs/image/input.js";
import { gather, pixelsOf } from "../../../../pipeline/inputs/image/pixels.js";
import { axis, placed, preprocess } from "../../../../pipeline/inputs/image/preprocess.js";

/** Draws rows of a picture, as the one call that is made of a canvas does. */
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    Object.assign(this, { width, height, rows: [] });
  }

  getContext(kind) {
    assert.equal(kind, "2d", "opaque pictures need no other");
    return {
      drawImage: ({ data, width }, left, from, wide, span, _left, to) => {
        for (let row = 0; row < span; row++) {
          const at = ((from + row) * width + left) * 4;
          this.rows[to + row] = data.subarray(at, at + wide * 4);
        }
      },
      getImageData: () => ({ data: Uint8ClampedArray.from(this.rows.flatMap((row) => [...row])) }),
    };
  }
};

/** A picture of which every pixel is another one. */
const bitmap = (width, height) => {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    data.set([i % 251, (i * 7) % 253, (i * 31) % 241, 255], i * 4);
  }
  return {
    width,
    height,
    data,
    closed: 0,
    close() {
      this.closed++;
    },
  };
};

const HOW = { color: "rgb", scale: [-1, 1] };

for (const [width, height, size, fit] of [
  [101, 87, [16, 16]],
  [300, 41, [20, 9]],
  [33, 200, [16, 16]],
  [95, 70, [16, 16], "letterbox"],
  [95, 70, [16, 20], "pad"],
  [95, 70, [16, 20], "crop"],
  [95, 70, [20, 16], "crop-first"],
]) {
  test(`${width} x ${height} to ${size} ${fit ?? ""}`, () => {
    const whole = bitmap(width, height);
    const how = { ...HOW, size, fit, ratio: 0.9 };
    const part = gather(whole, how);
    assert.equal(whole.closed, 1);
    assert.equal(part.gathered, true);
    const [rows, columns] = placed(how, height, width).map(({ count }) => count);
    assert.equal(part.data.length, rows * columns * 4 * 4, "two rows, two columns each");
    assert.deepEqual(preprocess(part, how), preprocess(whole, how));
  });
}

test("of a region only the pixels around are read, with the same result", async () => {
  const how = { ...HOW, size: [9, 12], border: "replicate" };
  const manifest = {
    inputs: [{ name: "image", dtype: "float32", shape: [] }],
    input: { image: how },
  };
  for (const [x, y, width, height, rotation] of [
    [20, 30, 40, 25, 0],
    [20, 30, 40, 25, 33],
    [-10, -5, 40, 25, -100],
    [80, 60, 40, 25, 181],
    [-50, -50, 300, 300, 10],
  ]) {
    const asked = { region: { x, y, width, height }, rotation };
    const whole = bitmap(101, 87);
    const part = gather(whole, how, asked);
    assert.equal(whole.closed, 1);
    const found = await inputOf(part, manifest, {}, asked);
    const { width: across, height: down, data } = whole;
    const all = { width: across, height: down, data };
    assert.deepEqual(found, await inputOf(all, manifest, {}, asked));
    assert.ok(part.data.length <= 4 * 101 * Math.min(87, width + height + 4), "rows around it");
  }
  const lost = bitmap(9, 9);
  assert.throws(() => gather(lost, how, { region: {} }), { code: "input" });
  assert.equal(lost.closed, 1, "what is refused is let go of");
});

test("what is not twice as large both ways, or needs all its pixels, is read whole", async () => {
  for (const [width, height, size, resize] of [
    [32, 33, [16, 16]],
    [99, 32, [16, 16]],
    [99, 99, [16, 16], "bilinear-antialias"],
    [9, 9, null],
  ]) {
    const whole = bitmap(width, height);
    const { gathered, data } = gather(whole, { ...HOW, size, resize });
    assert.equal(gathered, false);
    assert.deepEqual(data, whole.data);
  }
  const image = { width: 1, height: 1, data: new Uint8ClampedArray(4) };
  assert.equal(await pixelsOf(image, { ...HOW, size: [8, 8] }), image);
});

test("each pixel lies between two, of which the border has only one", () => {
  const { low, high, part } = axis({ start: 0, before: 2, after: 4, first: 0, count: 4 });
  assert.deepEqual([...low], [0, 0, 0, 1]);
  assert.deepEqual([...high], [0, 1, 1, 1]);
  assert.deepEqual([...part], [0.75, 0.25, 0.75, 0.25]);
});
