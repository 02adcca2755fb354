/** Of a large picture only those pixels are read that decide what it becomes: with the same result. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gather, pixelsOf } from "../../../../pipeline/inputs/image/pixels.js";
import { axis, preprocess } from "../../../../pipeline/inputs/image/preprocess.js";

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

for (const [width, height, resize] of [
  [101, 87, [16, 16]],
  [300, 41, [20, 9]],
  [33, 200, [16, 16]],
]) {
  test(`${width} x ${height} to ${resize}`, () => {
    const whole = bitmap(width, height);
    const part = gather(whole, resize);
    assert.equal(whole.closed, 1);
    assert.equal(part.gathered, true);
    assert.equal(part.data.length, resize[0] * resize[1] * 4 * 4, "two rows, two columns each");
    const how = { ...HOW, size: resize };
    assert.deepEqual(preprocess(part, how), preprocess(whole, how));
  });
}

test("what is not twice as large both ways is read whole", async () => {
  for (const [width, height, size] of [
    [32, 33, [16, 16]],
    [99, 32, [16, 16]],
    [9, 9, null],
  ]) {
    const whole = bitmap(width, height);
    const { gathered, data } = gather(whole, size);
    assert.equal(gathered, false);
    assert.deepEqual(data, whole.data);
  }
  const image = { width: 1, height: 1, data: new Uint8ClampedArray(4) };
  assert.equal(await pixelsOf(image, [8, 8]), image);
});

test("each pixel lies between two, of which the border has only one", () => {
  const { low, high, part } = axis(2, 4);
  assert.deepEqual([...low], [0, 0, 0, 1]);
  assert.deepEqual([...high], [0, 1, 1, 1]);
  assert.deepEqual([...part], [0.75, 0.25, 0.75, 0.25]);
});
