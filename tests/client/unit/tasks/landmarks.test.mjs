/** Outputs become faces and hands in pixels of the image, as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { originOfRegion } from "../../../../pipeline/inputs/image/region.js";
import { methods as faces } from "../../../../pipeline/tasks/face_landmarks/task.js";
import { methods as hands } from "../../../../pipeline/tasks/hand_landmarks/task.js";

const TASKS = { face_landmarks: faces.face, hand_landmarks: hands.hands };
const casesOf = (task) =>
  JSON.parse(
    readFileSync(new URL(`../../../../pipeline/tasks/${task}/cases.json`, import.meta.url), "utf8"),
  );

const outputsOf = ({ outputs }) =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data, (value) => value ?? Number.NaN) },
    ]),
  );

const ask = (find, one, options = {}) => [
  ...find(outputsOf(one), { task_options: one.options }, options, {
    image: { origin: one.origin },
  }),
];

/** Numbers of both differ by no more than 1e-5. */
function near(found, wanted, path = "") {
  if (typeof wanted === "number")
    assert.ok(Math.abs(found - wanted) <= 1e-5, `${path}: ${found}, not ${wanted}`);
  else if (typeof wanted === "object") {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(wanted).sort(), path);
    for (const key of Object.keys(wanted)) near(found[key], wanted[key], `${path}.${key}`);
  } else assert.equal(found, wanted, path);
}

for (const [task, find] of Object.entries(TASKS))
  for (const [i, one] of casesOf(task).entries())
    test(`${task}, case ${i}: ${one.answers.length} found as the pipeline finds it`, () => {
      near(ask(find, one), one.answers);
    });

test("callers choose the threshold", () => {
  for (const [task, find] of Object.entries(TASKS)) {
    const [one] = casesOf(task);
    const [{ score }] = one.answers;
    assert.equal(ask(find, one, { threshold: score - 1e-6 }).length, 1);
    assert.deepEqual(ask(find, one, { threshold: score + 1e-6 }), []);
  }
});

test("points of a region are in pixels of the whole image, and as deep as it is wide", () => {
  for (const [task, find] of Object.entries(TASKS)) {
    const [one] = casesOf(task);
    const region = { x: 300, y: 200, width: 2 * 64, height: 2 * 48, angle: Math.PI / 2 };
    const [plain] = ask(find, { ...one, origin: { ...one.origin, scale: [1, 1], pad: [0, 0] } });
    const origin = originOfRegion(region, [48, 64], one.origin.size);
    const [found] = ask(find, { ...one, origin });
    const points = plain.keypoints.map(({ x, y, z, ...rest }) => ({
      // A quarter clockwise: what is to the right of the middle comes to be below it.
      ...{ x: 300 - 2 * (y - 24), y: 200 + 2 * (x - 32), z: 2 * z },
      ...rest,
    }));
    near(found.keypoints, points);
    if (plain.keypoints3D) near(found.keypoints3D, plain.keypoints3D);
  }
});
