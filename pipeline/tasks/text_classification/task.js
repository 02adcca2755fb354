/** Labels of a text: the twin of answers.py. */

/** @typedef {Record<string, {data: Float32Array}>} Outputs of one text */
/** @typedef {import("./methods.js").TextLabel} TextLabel */

/** What a loaded model can do: of its outputs, or those of several texts, the manifest, and the caller's options. */
export const methods = {
  classify: (
    /** @type {Outputs | Outputs[]} */ outputs,
    /** @type {any} */ manifest,
    /** @type {import("./methods.js").LabelOptions} */ { threshold } = {},
  ) =>
    Array.isArray(outputs)
      ? outputs.map((one) => answer(one, manifest, threshold))
      : answer(outputs, manifest, threshold),
};

/**
 * How sure outputs are: the highest probability, of several texts the least of these.
 * @param {Outputs | Outputs[]} outputs
 * @param {any} manifest
 */
export const sure = (outputs, manifest) =>
  [outputs]
    .flat()
    .map((one) => highest(probabilitiesOf(one, manifest)))
    .reduce((a, b) => Math.min(a, b), 1);

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @param {number} [threshold]
 * @returns {TextLabel[]}
 */
export function answer(outputs, manifest, threshold = manifest.task_options.threshold) {
  const own = namesOf(manifest);
  return probabilitiesOf(outputs, manifest)
    .map((score, index) => ({
      label: manifest.labels?.[index] ?? (own.length > 1 ? own[index] : String(index)),
      index,
      score,
      match: score >= threshold ? true : 1 - score >= threshold ? false : null,
    }))
    .sort((a, b) => b.score - a.score || a.index - b.index);
}

/** In the order of Python: by name. @param {any} manifest @returns {string[]} */
const namesOf = ({ outputs }) =>
  outputs
    .map((/** @type {any} */ { name }) => name)
    .sort((/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : 1));

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @returns {number[]} of each label
 */
function probabilitiesOf(outputs, manifest) {
  const { labels, logits } = manifest.task_options;
  const names = namesOf(manifest);
  const isSoftmax = manifest.outputs.every((/** @type {any} */ { softmax }) => softmax);
  const values = (/** @type {string} */ name) => Array.from(outputs[name].data);
  if (names.length > 1)
    return names.map((name) => (logits && !isSoftmax ? softmaxOf(values(name)) : values(name))[1]);
  const own = values(names[0]);
  if (labels === "many") return logits ? own.map((value) => 1 / (1 + Math.exp(-value))) : own;
  return isSoftmax ? own : softmaxOf(own);
}

/** @param {number[]} values */
const highest = (values) => values.reduce((a, b) => Math.max(a, b));

/** @param {number[]} logits */
function softmaxOf(logits) {
  const most = highest(logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
