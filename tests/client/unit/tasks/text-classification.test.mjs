/** Outputs become labels of texts as the pipeline has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answer, methods, sure } from "../../../../pipeline/tasks/text_classification/task.js";

const FILE = new URL("../../../../pipeline/tasks/text_classification/cases.json", import.meta.url);

const outputsOf = (values) =>
  Object.fromEntries(
    Object.entries(values).map(([name, row]) => [name, { data: Float32Array.from(row) }]),
  );

for (const { options, softmax, values, labels, answers, sure: wanted } of JSON.parse(
  readFileSync(FILE, "utf8"),
)) {
  test(`${JSON.stringify(values)} by ${JSON.stringify(options)}`, () => {
    const manifest = {
      outputs: Object.keys(values).map((name) => ({ name, softmax })),
      labels: labels.length ? labels : null,
      task_options: options,
    };
    const found = answer(outputsOf(values), manifest);
    const plain = ({ score, ...rest }) => rest;
    assert.deepEqual(found.map(plain), answers.map(plain));
    for (const [i, { score }] of answers.entries())
      assert.ok(Math.abs(found[i].score - score) <= 1e-7, `${found[i].score}, not ${score}`);
    if (wanted !== null) assert.ok(Math.abs(sure(outputsOf(values), manifest) - wanted) <= 1e-6);
  });
}

test("several texts have an answer each, and the caller's threshold counts", () => {
  const manifest = {
    outputs: [{ name: "y", softmax: true }],
    labels: null,
    task_options: { labels: "one", logits: false, threshold: 0.5 },
  };
  const all = [outputsOf({ y: [0.8, 0.2] }), outputsOf({ y: [0.4, 0.6] })];
  const matches = methods
    .classify(all, manifest, { threshold: 0.7 })
    .map((labels) => labels.map(({ match }) => match));
  assert.deepEqual(matches, [
    [true, false],
    [null, null],
  ]);
  assert.ok(Math.abs(sure(all, manifest) - 0.6) < 1e-6);
});
