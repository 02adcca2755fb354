/** Outputs become answers as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answer, methods, sure } from "../../../../pipeline/tasks/image_classification/task.js";

const FILE = new URL("../../../../pipeline/tasks/image_classification/cases.json", import.meta.url);

for (const { values, softmax, labels, answers, sure: confidence } of JSON.parse(
  readFileSync(FILE, "utf8"),
)) {
  test(`${values} with${softmax ? "" : "out"} a softmax are answered as the pipeline does`, () => {
    const outputs = { y: { data: Float32Array.from(values) } };
    const manifest = { outputs: [{ name: "y", softmax }], labels };
    const found = answer(outputs, manifest);
    const named = ({ label, index }) => ({ label, index });
    assert.deepEqual(found.map(named), answers.map(named));
    for (const [i, { score }] of answers.entries())
      assert.ok(Math.abs(found[i].score - score) <= 1e-7, `${found[i].score}, not ${score}`);
    if (confidence !== null) assert.equal(sure(outputs, manifest), confidence);
  });
}

test("a model gives the likeliest five, or as many as are asked for, and is as sure as the first", () => {
  const outputs = { y: { data: Float32Array.from([1, 5, 2, 4, 3, 0]) } };
  const manifest = { outputs: [{ name: "y", softmax: true }], labels: null };
  const labels = (options) =>
    methods.classify(outputs, manifest, options).map(({ label }) => label);
  assert.deepEqual(labels({}), ["1", "3", "4", "2", "0"]);
  assert.deepEqual(labels({ top: 2 }), ["1", "3"]);
  assert.equal(sure(outputs, manifest), 5);
});
