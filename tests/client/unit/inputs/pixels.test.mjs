/** Of a large picture only those pixels are read that decide what it becomes: with the same result. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
      drawImage: ({ data, width }, _x, from, _width, span, _left, to) => {
        this.rows[to] = data.subarray(from * width * 4, (from + span) * width * 4);
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
