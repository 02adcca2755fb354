/** Ink is told from paper, whatever the light is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inkOf } from "../../../../pipeline/inputs/image/stage/tones.js";

const [WIDTH, HEIGHT, REACH] = [40, 30, 10];

/** A picture by its grey levels, and as RGBA. */
const picture = (level, alpha = () => 255) => {
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    const value = level(x, y);
    data.set([value, value, value, alpha(x, y)], i * 4);
  }
  return inkOf(data, WIDTH, HEIGHT, REACH);
};

/** A bar in the middle, three pixels wide and sixteen high. */
const inBar = (x, y) => x >= 18 && x < 21 && y >= 7 && y < 23;
const BAR = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i).filter((i) =>
  inBar(i % WIDTH, Math.floor(i / WIDTH)),
);
const found = ({ pixels }) => pixels.toSorted((a, b) => a - b);

test("dark ink on light paper, and light ink on dark", () => {
  const dark = picture((x, y) => (inBar(x, y) ? 30 : 220));
  assert.deepEqual(found(dark), BAR);
  assert.equal(
    dark.ink.reduce((sum, value) => sum + value, 0),
    BAR.length,
  );
  assert.ok(dark.between > 0.77 && dark.contrast > 100, `${dark.between}, ${dark.contrast}`);
  assert.equal(dark.share, BAR.length / (WIDTH * HEIGHT));
  assert.deepEqual(found(picture((x, y) => (inBar(x, y) ? 230 : 40))), BAR);
});

test("in a shadow that is darker than ink is elsewhere", () => {
  const shaded = picture((x, y) => 240 - 5 * x - (inBar(x, y) ? 60 : 0));
  assert.deepEqual(found(shaded), BAR);
});

test("what is transparent is white", () => {
  assert.deepEqual(
    found(
      picture(
        () => 0,
        (x, y) => (inBar(x, y) ? 255 : 0),
      ),
    ),
    BAR,
  );
});

test("specks are left out, and what the border cuts", () => {
  const speck = (x, y) => x === 5 && y === 5;
  const edge = (x, y) => x < 4 && y > 20;
  const some = picture((x, y) => (inBar(x, y) || speck(x, y) || edge(x, y) ? 30 : 220));
  assert.deepEqual(found(some), BAR);
  assert.ok(some.ink[5 * WIDTH + 5] && some.ink[25 * WIDTH], "they are ink all the same");
});

test("what the border cuts counts where there is nothing else", () => {
  const cut = picture((_x, y) => (y > 12 && y < 16 ? 30 : 220));
  assert.equal(found(cut).length, 3 * WIDTH);
});

test("pieces that are parted by a gap belong together, also of a dotted line", () => {
  const dots = picture((x, y) => (inBar(x, y) && y !== 14 ? 30 : 220));
  assert.equal(found(dots).length, BAR.length - 3);
});

test("noise has not two tones", () => {
  let state = 1;
  const noise = () => {
    state = (state * 48271) % 2147483647;
    return state % 256;
  };
  assert.ok(picture(noise).between < 0.77);
});

test("of one even tone nothing stands out", () => {
  const { contrast, between } = picture(() => 128);
  assert.deepEqual([contrast, between], [0, 0]);
});
