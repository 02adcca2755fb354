/** What a model reads of a text, or of a question about one: the twin of windows.py. */
import { inputError } from "../errors.js";

/**
 * @typedef {import("./tokenizer.js").Tokenizer} Tokenizer
 * @typedef {import("./template.js").Template} Template
 * @typedef {{length: number, pad: number, query: number, stride: number}} How as in the config
 * @typedef {{ids: number[], types: number[], count: number, first: number, from: number, to: number}} Window
 *   `first`: the place of the context's first token; `from`, `to`: which of its tokens these are
 */

/** Of a text, in code units: more takes minutes. */
const MOST = 2 ** 20;

/** @param {string} text @param {number} [most] */
function checked(text, most = MOST) {
  if (text.length <= most) return text;
  throw inputError(`this text has ${text.length} characters, more than ${most}`);
}

/**
 * @param {Tokenizer} tokenizer
 * @param {string} text
 * @param {How} how
 * @returns {Window}
 */
export function windowOf({ encode, templates }, text, how) {
  const { ids } = encode(checked(text));
  const room = roomOf(templates.single, how);
  return filled(templates.single, [ids.slice(0, room)], how);
}

/**
 * @param {Tokenizer} tokenizer
 * @param {string} question
 * @param {string} context
 * @param {How} how
 */
export function windowsOf({ encode, templates }, question, context, how) {
  const asked = encode(checked(question)).ids.slice(0, how.query);
  const read = encode(checked(context));
  const { length } = read.ids;
  const room = roomOf(templates.pair, how) - asked.length;
  if (room < 1) throw inputError("the question leaves no room for a text");
  /** @type {Window[]} */
  const windows = [];
  let from = 0;
  for (;;) {
    const to = Math.min(from + room, length);
    windows.push({ ...filled(templates.pair, [asked, read.ids.slice(from, to)], how), from, to });
    if (to === length) return { windows, ...read };
    from += Math.min(how.stride, room);
  }
}

/** @param {Template} template @param {How} how */
const roomOf = (template, { length }) =>
  length - template.filter(({ id }) => id !== undefined).length;

/**
 * @param {Template} template
 * @param {number[][]} texts
 * @param {How} how
 * @returns {Window}
 */
function filled(template, texts, { length, pad }) {
  /** @type {number[]} */
  const ids = [];
  /** @type {number[]} */
  const types = [];
  let first = 0;
  for (const { id, text, type } of template) {
    if (text === 1) first = ids.length;
    const own = text === undefined ? [/** @type {number} */ (id)] : texts[text];
    for (const one of own) {
      ids.push(one);
      types.push(type);
    }
  }
  const count = ids.length;
  const rest = Array.from({ length: length - count });
  return {
    ids: [...ids, ...rest.map(() => pad)],
    types: [...types, ...rest.map(() => 0)],
    count,
    first,
    from: 0,
    to: count,
  };
}

/**
 * Which of its tokens each window has most of the context around of all windows that have it: only there may an answer
 * begin (Devlin et al. 2018, run_squad.py).
 * @param {{from: number, to: number}[]} windows
 * @param {number} index of the window
 * @param {number} token of the context
 */
export function isBest(windows, index, token) {
  let [best, most] = [-1, -1];
  windows.forEach(({ from, to }, at) => {
    if (token < from || token >= to) return;
    const around = Math.min(token - from, to - 1 - token) + 0.01 * (to - from);
    if (around > most) [best, most] = [at, around];
  });
  return best === index;
}
