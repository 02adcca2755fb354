/**
 * The toxicity package's own classifier on heads of no and yes, and ours on the same, of the file given by
 * standard input: {heads: {NAME: [[no, yes], …]}, threshold}. Writes both, by text: {label: match}.
 */
import { readFileSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { join } from "node:path";
import { methods } from "../../../pipeline/tasks/text_classification/task.js";

// Of TF.js it needs but the tensors that it feeds, and nothing is run here.
const tensor = () => ({ dispose() {} });
const core = { tensor1d: tensor, tensor2d: tensor, util: { flatten: (all) => all.flat() } };
const load = Module._load;
Module._load = (name, ...all) => (/^@tensorflow/.test(name) ? core : load(name, ...all));
const { ToxicityClassifier } = createRequire(import.meta.url)(
  join(process.argv[2], "dist/index.js"),
);

const { heads, threshold } = JSON.parse(readFileSync(0, "utf8"));
const labels = Object.keys(heads);
const count = heads[labels[0]].length;

const peer = new ToxicityClassifier(threshold, labels);
Object.assign(peer, {
  labels,
  tokenizer: { encode: () => [1] },
  model: {
    executeAsync: async () =>
      labels.map((label) => ({ dataSync: () => Float32Array.from(heads[label].flat()) })),
  },
});
const told = await peer.classify(Array(count).fill("a text"));
const theirs = Array.from({ length: count }, (_, text) =>
  Object.fromEntries(
    told.map(({ label, results }) => [
      label,
      { match: results[text].match, score: results[text].probabilities[1] },
    ]),
  ),
);

const manifest = {
  outputs: labels.map((name) => ({ name, softmax: true })),
  labels: null,
  task_options: { labels: "many", logits: false, threshold },
};
const outputs = Array.from({ length: count }, (_, text) =>
  Object.fromEntries(labels.map((name) => [name, { data: Float32Array.from(heads[name][text]) }])),
);
const ours = methods
  .classify(outputs, manifest, {})
  .map((found) =>
    Object.fromEntries(found.map(({ label, match, score }) => [label, { match, score }])),
  );
process.stdout.write(JSON.stringify({ theirs, ours }));
