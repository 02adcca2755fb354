/** One label per image: the twin of __init__.py. */
import { gather, pixelsOf } from "../../inputs/image/pixels.js";
import { preprocess } from "../../inputs/image/preprocess.js";

/** @typedef {{dtype: string, shape: number[], data: any}} Tensor */
/** @typedef {{label: string, index: number, score: number}} Score */

/** Integer inputs: as pipeline/samples/folder.py casts, rounded and clipped. */
const INTEGERS = {
  uint8: [Uint8Array, 0, 255],
  int8: [Int8Array, -128, 127],
  uint16: [Uint16Array, 0, 65535],
  int16: [Int16Array, -32768, 32767],
  int32: [Int32Array, -(2 ** 31), 2 ** 31 - 1],
};

/**
 * @param {ImageData | ImageBitmap | Blob} image
 * @param {any} manifest
 * @returns {Promise<Record<string, Tensor>>}
 */
export async function inputOf(image, { inputs: [{ name, dtype }], preprocess: how }) {
  const { shape, data } = preprocess(await pixelsOf(image, how.resize), how);
  return { [name]: { dtype, shape, data: cast(data, dtype) } };
}

/**
 * What a page may hand over in place of a large image: far less, and all the same to `inputOf`.
 * @param {ImageBitmap} bitmap is closed
 * @param {any} manifest
 */
export const bounded = (bitmap, { preprocess: { resize } }) => gather(bitmap, resize);

/**
 * @param {Float32Array} values
 * @param {string} dtype
 */
function cast(values, dtype) {
  const [Kind, low, high] = /** @type {any} */ (INTEGERS)[dtype] ?? [];
  return Kind
    ? Kind.from(values, (/** @type {number} */ v) => Math.max(low, Math.min(high, even(v))))
    : values;
}

/**
 * Halves go to the even side, as NumPy's do.
 * @param {number} value
 */
function even(value) {
  const round = Math.round(value);
  return round - value === 0.5 && round % 2 ? round - 1 : round;
}

/**
 * The classes with the highest scores, the highest first; of equals, the first one.
 * @param {Record<string, Tensor>} outputs one output, [1, classes]
 * @param {any} manifest
 * @returns {Score[]}
 */
export function answer(outputs, { outputs: [{ name, softmax }], labels }) {
  const scores = softmax ? outputs[name].data : probabilities(outputs[name].data);
  return Array.from(scores, (score, index) => ({
    label: labels?.[index] ?? String(index),
    index,
    score,
  })).sort((a, b) => b.score - a.score || a.index - b.index);
}

/**
 * Of logits: where the manifest does not call an output a softmax, the model ends before it.
 * @param {Float32Array} logits
 */
function probabilities(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
