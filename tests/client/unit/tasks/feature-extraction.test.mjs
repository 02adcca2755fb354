/** Outputs become embeddings as the pipeline has them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { embeddingOf, methods } from "../../../../pipeline/tasks/feature_extraction/task.js";

const FILE = new URL("../../../../pipeline/tasks/feature_extraction/cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(FILE, "utf8"));

const outputsOf = ({ shape, values }) => ({ y: { shape, data: Float32Array.from(values) } });
const feedsOf = ({ tokens }) => ({ mask: {}, ids: { origin: tokens === null ? {} : { tokens } } });

for (const one of cases) {
  test(`${one.shape} by ${JSON.stringify(one.options)}, ${one.tokens} tokens`, () => {
    const found = embeddingOf(outputsOf(one), { task_options: one.options }, feedsOf(one));
    assert.ok(found instanceof Float32Array);
    assert.equal(found.length, one.embedding.length);
    for (const [i, value] of one.embedding.entries())
      assert.ok(Math.abs(found[i] - value) <= 1e-6, `${found[i]}, not ${value}`);
  });
}

test("several texts have an embedding each, of their own tokens", () => {
  const mean = cases.filter(({ options, tokens }) => options.pool === "mean" && tokens);
  const manifest = { task_options: { ...mean[0].options, normalize: false } };
  const found = methods.embed(mean.map(outputsOf), manifest, {}, mean.map(feedsOf));
  const alone = mean.map((one) => embeddingOf(outputsOf(one), manifest, feedsOf(one)));
  assert.deepEqual(found, alone);
  assert.equal(found.length, 3);
});
