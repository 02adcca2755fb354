/** Answers are drawn where the picture shows them, as wide on any picture, with labels that can be read. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import {
  colorOf,
  drawBoxes,
  drawPoints,
  labelPlace,
  overlay,
} from "../../../pipeline/client/draw.js";

/** Paths that remember what they are made of. */
class Path {
  points = [];
  rect(...sides) {
    this.points.push(sides);
  }
  moveTo(...point) {
    this.points.push(point);
  }
  lineTo(...point) {
    this.points.push(point);
  }
  arc() {}
}

/** A context that remembers what is drawn on it, and a letter of which is half as wide as tall. */
class Context {
  strokes = [];
  texts = [];
  grounds = [];
  transform = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };
  kept = [];
  constructor(canvas) {
    this.canvas = canvas;
  }
  getTransform() {
    return this.transform;
  }
  setTransform(a, b, c, d, e, f) {
    this.transform = { a, b, c, d, e, f };
  }
  save() {
    this.kept.push(this.transform);
  }
  restore() {
    this.transform = this.kept.pop();
  }
  setLineDash(dash) {
    this.dash = dash;
  }
  measureText(text) {
    return { width: ([...text].length * Number.parseFloat(this.font.split(" ")[1])) / 2 };
  }
  stroke({ points }) {
    const { strokeStyle: colour, lineWidth: width, dash } = this;
    this.strokes.push({ points, colour, width, dash });
  }
  fill({ points }) {
    this.strokes.push({ points, colour: this.fillStyle });
  }
  fillRect(left, top, width, height) {
    this.grounds.push({ left, top, right: left + width, bottom: top + height });
  }
  fillText(text) {
    this.texts.push(text);
  }
}

/** A canvas that the page shows. */
function canvasOf(clientWidth, clientHeight) {
  const canvas = { clientWidth, clientHeight, width: 300, height: 150 };
  const context = new Context(canvas);
  return Object.assign(canvas, { context, getContext: () => context });
}

beforeEach(() => {
  globalThis.Path2D = Path;
  globalThis.devicePixelRatio = 1;
});

const object = (x, y, width, height, more = {}) => ({
  box: { x, y, width, height },
  label: "cat",
  score: 0.876,
  index: 1,
  ...more,
});

for (const [fit, wanted] of [
  ["contain", { a: 0.5, e: 0, f: 75 }],
  ["cover", { a: 1, e: -150, f: 0 }],
])
  test(`an overlay counts in pixels of a picture that its frame ${fit}s`, () => {
    globalThis.devicePixelRatio = 2;
    const canvas = canvasOf(150, 150);
    const { transform } = overlay(canvas, { width: 600, height: 300 }, { fit });
    assert.deepEqual([canvas.width, canvas.height], [300, 300], "as fine as the screen");
    const { a, b, c, d, e, f } = transform;
    assert.deepEqual({ a, b, c, d, e, f }, { ...wanted, b: 0, c: 0, d: wanted.a });
  });

test("lines are as wide on the screen whatever size the picture has, and lie where it shows them", () => {
  for (const side of [32, 400, 4000]) {
    const canvas = canvasOf(200, 200);
    const context = overlay(canvas, { width: side, height: side });
    drawBoxes(context, [object(side / 4, side / 2, side / 4, side / 8)]);
    const [halo, line] = context.strokes;
    assert.deepEqual(line.points, [[50, 100, 50, 25]]);
    assert.equal(line.width, 2.5);
    assert.ok(halo.width > line.width && halo.colour !== line.colour);
    assert.equal(line.colour, colorOf(1));
    assert.deepEqual(context.texts, ["cat 88 %"]);
    assert.equal(context.transform.a, 200 / side, "the context is as it was");
  }
});

test("a canvas that is not shown has wider lines the larger it is", () => {
  const [small, large] = [480, 1920].map((side) => {
    const context = new Context({ width: side, height: side });
    drawBoxes(context, [object(0, 0, 10, 10)]);
    return context.strokes[1].width;
  });
  assert.equal(large, 2 * small);
});

test("a mirrored picture has its box where it is seen, and a text that can be read", () => {
  const context = new Context({ width: 100, height: 100, clientWidth: 100, clientHeight: 100 });
  context.setTransform(-1, 0, 0, 1, 100, 0);
  drawBoxes(context, [object(0, 40, 30, 30)]);
  assert.deepEqual(context.strokes[1].points, [[70, 40, 30, 30]]);
  assert.ok(context.grounds[0].right <= 100);
});

test("labels stay on the canvas, are shortened to it, and leave each other room", () => {
  const random = (n, seed) => ((seed * 7919 + n * 104729) % 1000) / 1000;
  for (let seed = 0; seed < 50; seed++) {
    const canvas = { width: 300, height: 200, clientWidth: 300, clientHeight: 200 };
    const context = new Context(canvas);
    const label = "a name ".repeat(1 + (seed % 12));
    const at = [random(1, seed) * 600 - 200, random(2, seed) * 500 - 150];
    drawBoxes(context, [object(...at, 100, 120, { label }), object(...at, 100, 120, { label })]);
    const [one, two] = context.grounds;
    for (const { left, top, right, bottom } of [one, two])
      assert.ok(left >= 0 && top >= 0 && right <= 300 && bottom <= 200, `${at}`);
    const inside = at[1] > 25 && at[1] < 155;
    if (inside) assert.ok(one.bottom <= two.top || two.bottom <= one.top, "one above the other");
  }
  const long = new Context({ width: 60, height: 60, clientWidth: 60, clientHeight: 60 });
  drawBoxes(long, [object(0, 30, 20, 20, { label: "hippopotamus" })]);
  assert.match(long.texts[0], /^hip.*…$/);
  const tight = labelPlace({ left: 0, top: 2, right: 5, bottom: 9 }, [50, 20], { width: 40, height: 10 }, [], false); // biome-ignore format: a case
  assert.deepEqual(tight, { left: 0, top: 0, right: 50, bottom: 20 }, "smaller than any label");
});

test("a second answer is dashed, and has its labels below", () => {
  const context = new Context({ width: 99, height: 99, clientWidth: 99, clientHeight: 99 });
  drawBoxes(context, [object(10, 30, 20, 20)], { dashed: true, color: "#123456", text: () => "B" });
  assert.ok(context.strokes[1].dash.length && context.strokes[1].colour === "#123456");
  assert.deepEqual([context.texts, context.grounds[0].top], [["B"], 50]);
  drawBoxes(context, [object(10, 30, 20, 20)], { text: () => "" });
  assert.equal(context.texts.length, 1, "no text, no ground");
});

test("points that are not sure, and lines to them, are left out", () => {
  const context = new Context({ width: 50, height: 50, clientWidth: 50, clientHeight: 50 });
  const points = [{ x: 1, y: 2 }, { x: 3, y: 4, score: 0.9 }, null, { x: 5, y: 6, score: 0.1 }];
  const connections = [[0, 1], [1, 2], [1, 3], [3, 0]]; // biome-ignore format: pairs
  drawPoints(context, points, { connections, least: 0.5, radius: 2 });
  const [, lines, , dots] = context.strokes;
  assert.deepEqual(lines.points, [[1, 2], [3, 4]]); // biome-ignore format: pairs
  assert.deepEqual(dots.points, [[3, 2], [5, 4]]); // biome-ignore format: pairs
  drawPoints(context, points, { radius: 0 });
  assert.equal(context.strokes.length, 6, "lines only");
});
