/** Outputs become objects in pixels of the image, as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
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
const ask = (options, one = decoded) =>
  methods.detect(outputsOf(one), manifestOf(one), options, { image: { origin: one.origin } });

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
