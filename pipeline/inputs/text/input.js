/** A page's texts become the tensors that a model takes: the twin of read.py. */
import { inputError } from "../errors.js";
import { readTokenizer } from "./tokenizer.js";
import { isBest, windowOf, windowsOf } from "./windows.js";

/**
 * @typedef {object} Place of a window of a context
 * @property {string} text
 * @property {number[]} starts where in it each token begins, -1 of all others
 * @property {number[]} ends
 * @property {number} [question] which one it belongs to, of several
 * @property {boolean[]} best whether no other window shows more around a token: an answer may begin there
 * @typedef {{tokens: number} & Partial<Place>} Origin `tokens`: those that are no padding
 * @typedef {{dtype: string, shape: number[], data: any, origin?: Origin}} Tensor
 * @typedef {Record<string, Tensor>} Feeds
 */

/** @type {WeakMap<ArrayBuffer, import("./tokenizer.js").Tokenizer>} by the file that it is in */
const tokenizers = new WeakMap();

/** @param {ArrayBuffer} file */
function tokenizerOf(file) {
  let tokenizer = tokenizers.get(file);
  if (!tokenizer) {
    tokenizer = readTokenizer(JSON.parse(new TextDecoder().decode(file)));
    tokenizers.set(file, tokenizer);
  }
  return tokenizer;
}

/** @type {string[]} options of methods that `inputOf` heeds */
export const takes = [];

/**
 * One run of the model for a text; of several, or of a question about a long one, several. Of several questions each
 * origin says of which it is.
 * @typedef {{question: string, context: string}} Question
 * @param {string | string[] | Question | Question[]} value
 * @param {any} manifest
 * @param {Record<string, ArrayBuffer>} files of the release
 * @returns {Feeds | Feeds[]}
 */
export function inputOf(value, { inputs, input: { text: options } }, { tokenizer: file }) {
  const tokenizer = tokenizerOf(file);
  const { shape } = inputs.find((/** @type {any} */ { name }) => name === options.ids);
  const how = { ...options, length: options.length ?? shape[1] };
  const feed = (/** @type {import("./windows.js").Window} */ window) =>
    feedsOf(window, inputs, options);
  const one = (/** @type {string} */ text) => feed(windowOf(tokenizer, text, how));
  if (typeof value === "string") return one(value);
  if (Array.isArray(value)) {
    if (value.every(isText)) return value.map(one);
    if (value.every(isQuestion))
      return value.flatMap((asked, question) => asking(asked, tokenizer, how, feed, { question }));
  } else if (isQuestion(value)) return asking(value, tokenizer, how, feed);
  throw inputError("give a text, several, or { question, context } of texts");
}

/**
 * What the model is given of a question: each window of the context, with its origin.
 * @param {Question} asked
 * @param {import("./tokenizer.js").Tokenizer} tokenizer
 * @param {import("./windows.js").How & {ids: string}} how
 * @param {(window: import("./windows.js").Window) => Feeds} feed
 * @param {{question?: number}} [which] of several
 * @returns {Feeds[]}
 */
function asking({ question, context }, tokenizer, how, feed, which = {}) {
  const { windows, starts, ends } = windowsOf(tokenizer, question, context, how);
  return windows.map((window, index) => {
    const feeds = feed(window);
    const places = { text: context, starts: filled(how), ends: filled(how) };
    const best = filled(how).map(() => false);
    for (let token = window.from; token < window.to; token++) {
      const at = window.first + token - window.from;
      [places.starts[at], places.ends[at]] = [starts[token], ends[token]];
      best[at] = isBest(windows, index, token);
    }
    feeds[how.ids].origin = { tokens: window.count, ...which, ...places, best };
    return feeds;
  });
}

/** @param {{length: number}} how */
const filled = ({ length }) => Array.from({ length }, () => -1);

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";

/** @param {any} value @returns {value is Question} */
const isQuestion = (value) => isText(value?.question) && isText(value.context);

/**
 * @param {import("./windows.js").Window} window
 * @param {any[]} inputs
 * @param {any} options
 * @returns {Feeds}
 */
function feedsOf({ ids, types, count }, inputs, options) {
  const mask = ids.map((_, index) => +(index < count));
  const values = { [options.ids]: ids, [options.mask]: mask, [options.types]: types };
  /** @type {Feeds} */
  const feeds = Object.fromEntries(
    inputs.map(({ name, dtype }) => [
      name,
      { dtype, shape: [1, ids.length], data: inDtype(values[name], dtype) },
    ]),
  );
  feeds[options.ids].origin = { tokens: count };
  return feeds;
}

/** @param {number[]} values @param {string} dtype */
const inDtype = (values, dtype) =>
  dtype === "int64"
    ? BigInt64Array.from(values, BigInt)
    : dtype === "int32"
      ? Int32Array.from(values)
      : Float32Array.from(values);
