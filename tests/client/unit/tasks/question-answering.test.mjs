/** Logits of a text's windows become answers as the pipeline has it, in UTF-16. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inputOf } from "../../../../pipeline/inputs/text/input.js";
import { methods } from "../../../../pipeline/tasks/question_answering/task.js";

const FILE = new URL("../../../../pipeline/tasks/question_answering/cases.json", import.meta.url);
const TOKENIZER = new URL("../../fixtures/tokenizers/wordpiece-uncased.json", import.meta.url);

const files = { tokenizer: new Uint8Array(readFileSync(TOKENIZER)).buffer };
const text = {
  ...{ ids: "input_ids", mask: "m", types: "t" },
  ...{ pad: 0, length: 24, query: 8, stride: 5 },
};
const manifestOf = (options) => ({
  inputs: [{ name: "input_ids", dtype: "int32", shape: [null, 24] }],
  input: { text },
  task_options: options,
});

const cases = JSON.parse(readFileSync(FILE, "utf8"));

const outputsOf = ({ outputs: { start_logits, end_logits } }) =>
  start_logits.map((starts, row) => ({
    start_logits: { data: Float32Array.from(starts) },
    end_logits: { data: Float32Array.from(end_logits[row]) },
  }));

/** What a page gets of the questions of a case. */
function answersTo(one, value, options) {
  const manifest = manifestOf(one.options);
  const feeds = inputOf(value, manifest, files);
  const outputs = outputsOf(one);
  assert.equal(feeds.length, outputs.length);
  return methods.answer(outputs, manifest, options, feeds);
}

for (const one of cases) {
  const { questions, answers, options } = one;
  test(`${questions.length} questions by ${JSON.stringify(options)}`, () => {
    const found = answersTo(one, questions);
    const plain = ({ score, ...rest }) => rest;
    assert.deepEqual(
      found.map((each) => each.map(plain)),
      answers.map((each) => each.map(plain)),
    );
    found.flat().forEach(({ score }, i) => {
      assert.ok(Math.abs(score - answers.flat()[i].score) <= 1e-12);
    });
    for (const [i, { context }] of questions.entries())
      for (const { text: said, start, end } of found[i])
        assert.equal(context.slice(start, end), said);
  });
}

test("a single question has its answers alone, and the caller's options count", () => {
  const [one] = cases;
  const [question] = one.questions;
  assert.deepEqual(answersTo(one, question), answersTo(one, [question])[0]);
  const [best] = answersTo(one, question);
  assert.deepEqual(answersTo(one, question, { max: 1, threshold: undefined }), [best]);
  assert.deepEqual(answersTo(one, question, { threshold: 1000 }), []);
});

test("no questions have no answers, and what is none is refused", () => {
  const manifest = manifestOf(cases[0].options);
  assert.deepEqual(inputOf([], manifest, files), []);
  assert.deepEqual(methods.answer([], manifest, undefined, []), []);
  for (const value of [{ question: "Who?" }, ["a", { question: "b", context: "c" }], null])
    assert.throws(() => inputOf(value, manifest, files), { name: "ModelError", code: "input" });
  const feeds = inputOf("a text", manifest, files);
  assert.throws(() => methods.answer([{}], manifest, {}, feeds), { code: "input" });
});
