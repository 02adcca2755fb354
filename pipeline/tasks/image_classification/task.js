/** One label per image: the twin of answers.py. */

/** @typedef {Record<string, {data: Float32Array}>} Outputs one output, [1, classes] */
/** @typedef {import("./methods.js").ClassScore} ClassScore */

/** What a loaded model can do: of its outputs, the release's manifest, and the caller's options. */
export const methods = {
  classify: (
    /** @type {Outputs} */ outputs,
    /** @type {any} */ manifest,
    /** @type {import("./methods.js").ClassifyOptions} */ { top = 5 },
  ) => answer(outputs, manifest).slice(0, top),
};

/**
 * How sure outputs are: the highest probability, by which a cascade decides.
 * @param {Outputs} outputs
 * @param {any} manifest
 */
export const sure = (outputs, manifest) => highest(scoresOf(outputs, manifest));

/**
 * The classes with the highest scores, the highest first; of equals, the first one. Clients of before
 * methods ask this.
 * @param {Outputs} outputs
 * @param {any} manifest
 * @returns {ClassScore[]}
 */
export function answer(outputs, manifest) {
  return Array.from(scoresOf(outputs, manifest), (score, index) => ({
    label: manifest.labels?.[index] ?? String(index),
    index,
    score,
  })).sort((a, b) => b.score - a.score || a.index - b.index);
}

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @returns {Float32Array | number[]} of each class
 */
const scoresOf = (outputs, { outputs: [{ name, softmax }] }) =>
  softmax ? outputs[name].data : probabilities(outputs[name].data);

/** @param {Float32Array | number[]} values */
const highest = (values) => Array.from(values).reduce((a, b) => Math.max(a, b));

/**
 * Of logits: where the manifest does not call an output a softmax, the model ends before it.
 * @param {Float32Array} logits
 */
function probabilities(logits) {
  const most = highest(logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
