/** Outputs become answers as the pipeline has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, methods, sure } from "../../../../pipeline/tasks/image_classification/task.js";
import { CASES } from "../cases.mjs";

const asked = (data, more) =>
  answer({ y: { data: Float32Array.from(data) } }, { outputs: [{ name: "y", ...more }], ...more });

test("answers are ranked as the pipeline does: of equals, the first one", () => {
  for (const { scores, order } of CASES.ranked) {
    const labels = scores.map((_, i) => `label ${i}`);
    const found = asked(scores, { softmax: true, labels });
    assert.deepEqual(
      found.map(({ index }) => index),
      order,
    );
    assert.deepEqual(
      found.map(({ label, score }) => [label, score]),
      order.map((index) => [labels[index], Math.fround(scores[index])]),
    );
  }
});

test("logits become probabilities, also where powers would overflow", () => {
  for (const { logits, values } of CASES.probabilities) {
    const found = asked(logits, { softmax: false, labels: null });
    assert.equal(found.length, logits.length);
    for (const { index, label, score } of found) {
      assert.equal(label, String(index));
      assert.ok(Math.abs(score - values[index]) <= 1e-6, `${score}, not ${values[index]}`);
    }
  }
});

test("a model gives the likeliest five, or as many as are asked for, and is as sure as the first", () => {
  const outputs = { y: { data: Float32Array.from([1, 5, 2, 4, 3, 0]) } };
  const manifest = { outputs: [{ name: "y", softmax: true }], labels: null };
  const labels = (options) =>
    methods.classify(outputs, manifest, options).map(({ label }) => label);
  assert.deepEqual(labels({}), ["1", "3", "4", "2", "0"]);
  assert.deepEqual(labels({ top: 2 }), ["1", "3"]);
  assert.equal(sure(outputs, manifest), 5);
});
