/** Answers in pixels become shares of the image, whatever task they are of. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { normalized } from "../../../pipeline/client/normalized.js";
import { detect } from "../../../pipeline/tasks/object_detection/task.js";
import { methods } from "../../../pipeline/tasks/pose_estimation/task.js";

const casesOf = (task) =>
  JSON.parse(
    readFileSync(new URL(`../../../pipeline/tasks/${task}/cases.json`, import.meta.url), "utf8"),
  );

const outputsOf = ({ outputs }) =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, data }]) => [
      name,
      { shape, data: Float32Array.from(data, (value) => value ?? Number.NaN) },
    ]),
  );

/** The image is one pixel wide and high: then pixels are shares. */
const asOne = (origin) => ({
  ...origin,
  size: [1, 1],
  scale: [0, 1].map((axis) => origin.scale[axis] * origin.size[axis]),
});

const near = (found, wanted, path = "") => {
  if (typeof wanted === "number") return assert.ok(Math.abs(found - wanted) < 1e-9, path);
  if (wanted === null || typeof wanted !== "object") return assert.equal(found, wanted, path);
  assert.deepEqual(Object.keys(found), Object.keys(wanted), path);
  for (const key of Object.keys(wanted)) near(found[key], wanted[key], `${path}.${key}`);
};

test("objects and poses are as in an image of one pixel", () => {
  let [keypoints, metres, depths] = [0, 0, 0];
  for (const one of casesOf("object_detection").filter(({ options }) => !options.clip)) {
    const ask = (origin) =>
      detect(outputsOf(one), { labels: one.labels, task_options: one.options }, {}, origin);
    const [height, width] = one.origin.size;
    near(normalized(ask(one.origin), { width, height }), ask(asOne(one.origin)));
    keypoints += ask(one.origin).filter((object) => object.keypoints).length;
  }
  for (const one of casesOf("pose_estimation")) {
    const manifest = { task_options: one.options };
    const ask = (origin) => methods.pose(outputsOf(one), manifest, {}, { image: { origin } });
    const all = ask(one.origin);
    const { image, ...wanted } = ask(asOne(one.origin));
    near({ ...normalized(all) }, { ...wanted, image: all.image });
    metres += all.filter((pose) => pose.keypoints3D).length;
    depths += all.filter((pose) => pose.keypoints.some(({ z }) => z)).length;
  }
  assert.ok(keypoints && metres && depths, "cases have all that there is");
});

test("what belongs to answers stays, one of them needs a size, and nothing is changed in place", () => {
  const connections = [[0, 1]];
  const pose = {
    score: 0.5,
    keypoints: [{ x: 10, y: 20, name: "nose" }, null],
    connections,
    id: 3,
  };
  const answers = Object.assign([pose], { artifact: "a", image: { width: 100, height: 40 } });
  const before = structuredClone(answers);
  const found = normalized(answers);
  assert.deepEqual([found.artifact, found.image], ["a", answers.image]);
  assert.deepEqual(found[0], { ...pose, keypoints: [{ x: 0.1, y: 0.5, name: "nose" }, null] });
  assert.deepEqual(normalized(answers[0], { width: 100, height: 40 }), found[0]);
  assert.deepEqual(normalized([], { width: 1, height: 1 }), []);
  assert.deepEqual(answers, before);
  // As it comes from a worker.
  assert.deepEqual(normalized(structuredClone(answers)), found);
  for (const size of [undefined, {}, { width: 0, height: 9 }, { width: Number.NaN, height: 9 }])
    assert.throws(() => normalized(pose, size), { name: "ModelError", code: "input" });
});
