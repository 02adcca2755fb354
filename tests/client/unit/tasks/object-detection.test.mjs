/** Outputs become objects in pixels of the image, as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromRegion, originOfRegion, toRegion } from "../../../../pipeline/inputs/image/region.js";
import { detect, methods } from "../../../../pipeline/tasks/object_detection/task.js";

const FILE = new URL("../../../../pipeline/tasks/object_detection/cases.json", import.meta.url);
const CASES = JSON.parse(readFileSync(FILE, "utf8"));

const outputsOf = ({ outputs }) =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data, (value) => value ?? Number.NaN) },
    ]),
  );

const manifestOf = ({ options, labels }) => ({ labels, task_options: options });

/** Numbers of both differ by no more than 1e-5 of the image's size. */
function near(found, wanted, path = "") {
  if (typeof wanted !== "number") {
    assert.deepEqual(Object.keys(found), Object.keys(wanted), path);
    for (const key of Object.keys(wanted))
      if (typeof wanted[key] === "object" || typeof wanted[key] === "number")
        near(found[key], wanted[key], `${path}.${key}`);
      else assert.equal(found[key], wanted[key], path);
  } else assert.ok(Math.abs(found - wanted) <= 1e-5, `${path}: ${found}, not ${wanted}`);
}

for (const [i, one] of CASES.entries())
  test(`case ${i}: ${one.answers.length} objects are found as the pipeline finds them`, () => {
    near(detect(outputsOf(one), manifestOf(one), {}, one.origin), one.answers);
  });

const [, , , , , decoded, , , , compat] = CASES;
const ask = (options, one = decoded) => {
  const feeds = { image: { origin: one.origin } };
  const { image, ...found } = methods.detect(outputsOf(one), manifestOf(one), options, feeds);
  assert.deepEqual(image, { width: one.origin.size[1], height: one.origin.size[0] });
  return Object.values(found);
};

test("callers choose the threshold, the overlap, how many, and which", () => {
  const all = ask({});
  assert.ok(all.length > 5);
  const [, { score }] = all;
  assert.deepEqual(ask({ threshold: score }), all.slice(0, 2), "the threshold is enough");
  assert.ok(ask({ threshold: 0 }).length > all.length);
  assert.ok(ask({ iou: 0 }).length < all.length && ask({ iou: 1 }).length > all.length);
  assert.deepEqual(ask({ max: 3 }), all.slice(0, 3));
  const dogs = all.filter(({ label }) => label === "dog");
  assert.ok(dogs.length && dogs.length < all.length);
  assert.deepEqual(ask({ allow: ["dog"] }), dogs);
  assert.deepEqual(ask({ allow: ["dog"], max: 1 }), dogs.slice(0, 1), "of those that are wanted");
});

test("as the peer has it, the threshold is the overlap too", () => {
  assert.deepEqual(ask({ threshold: 0.2, iou: 0.9 }, compat), ask({ threshold: 0.2 }, compat));
  const apart = structuredClone(compat);
  apart.options.nms = { ...apart.options.nms, compat: false, iou: 0.2 };
  const rest = ask({ threshold: 0.2001 }, apart).length;
  assert.ok(Math.abs(rest - ask({ threshold: 0.2 }, compat).length) <= 2);
  assert.ok(ask({ threshold: 0.2, iou: 0.9 }, apart).length > rest);
});

/** The region that an origin without one stands for: all of the input, as it lies in the image. */
const whole = ({ input, pad, scale }, angle = 0) => {
  const [height, width] = [0, 1].map((axis) => input[axis] / scale[axis]);
  const [top, left] = [0, 1].map((axis) => -pad[axis] / scale[axis]);
  return { x: left + width / 2, y: top + height / 2, width, height, angle };
};
const inRegion = (one, region) =>
  detect(
    outputsOf(one),
    manifestOf(one),
    {},
    originOfRegion(region, one.origin.input, one.origin.size),
  );

for (const one of [CASES[0], CASES[6]])
  test(`answers of a region are in pixels of the whole image: ${one.answers.length}`, () => {
    near(inRegion(one, whole(one.origin)), one.answers);
    const region = whole(one.origin, 0.4);
    const back = ({ x, y }) => fromRegion(toRegion([x, y], { ...region, angle: 0 }), region);
    const clip = (value, most) => (one.options.clip ? Math.max(0, Math.min(most, value)) : value);
    const bare = { ...one, options: { ...one.options, clip: false } };
    const [height, width] = one.origin.size;
    for (const [i, { box, keypoints }] of inRegion(bare, whole(one.origin)).entries()) {
      const found = inRegion(one, region)[i];
      const corners = [0, 1, 2, 3].map((n) =>
        back({ x: box.x + (n % 2) * box.width, y: box.y + (n >> 1) * box.height }),
      );
      const [across, down] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
      const left = clip(Math.min(...across), width);
      const top = clip(Math.min(...down), height);
      near(found.box, {
        ...{ x: left, y: top },
        width: clip(Math.max(...across), width) - left,
        height: clip(Math.max(...down), height) - top,
      });
      const turned = keypoints?.map(back).map(([x, y]) => ({ x, y }));
      if (turned) near(found.keypoints, turned);
    }
  });
