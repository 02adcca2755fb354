/** Outputs become poses in pixels of the image, as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { methods, pose } from "../../../../pipeline/tasks/pose_estimation/task.js";

const FILE = new URL("../../../../pipeline/tasks/pose_estimation/cases.json", import.meta.url);
const CASES = JSON.parse(readFileSync(FILE, "utf8"));

const outputsOf = ({ outputs }) =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data, (value) => value ?? Number.NaN) },
    ]),
  );

/** Numbers of both differ by no more than 1e-5; null is a NaN. */
function near(found, wanted, path = "") {
  if (wanted === null) assert.ok(Number.isNaN(found), path);
  else if (typeof wanted === "number")
    assert.ok(Math.abs(found - wanted) <= 1e-5, `${path}: ${found}, not ${wanted}`);
  else if (typeof wanted === "object") {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(wanted).sort(), path);
    for (const key of Object.keys(wanted)) near(found[key], wanted[key], `${path}.${key}`);
  } else assert.equal(found, wanted, path);
}

for (const [i, one] of CASES.entries())
  test(`case ${i}: ${one.answers.length} poses are found as the pipeline finds them`, () => {
    near(pose(outputsOf(one), { task_options: one.options }, {}, one.origin), one.answers);
  });

test("callers choose the threshold and how many", () => {
  const several = CASES.find(({ options }) => options.points?.rows === 6);
  const ask = (options) => [
    ...methods.pose(outputsOf(several), { task_options: several.options }, options, {
      image: { origin: several.origin },
    }),
  ];
  const all = ask({ threshold: 0 });
  assert.ok(all.length > 3);
  assert.deepEqual(ask({ threshold: all[1].score }), all.slice(0, 2), "the threshold is enough");
  assert.deepEqual(ask({ threshold: 0, max: 3 }), all.slice(0, 3));
  assert.deepEqual(ask({ threshold: 1 }), []);
});
