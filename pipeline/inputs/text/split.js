/** Where a text is cut into words: the pre-tokenizers of tokenizer.json, as the Python library has them. */
import { changed, part, prepended } from "./align.js";
import { isSpace } from "./normalize.js";
import { has, PUNCTUATION } from "./tables.js";

/**
 * @typedef {import("./align.js").Aligned} Aligned
 * @typedef {(text: Aligned) => Aligned[]} Split
 */

/** @type {Record<string, (config: any) => Split>} by their type; others were refused */
const SPLITS = {
  BertPreTokenizer: () => (text) => words(text, isPunctuation),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Sequence: ({ pretokenizers }) => {
    const steps = pretokenizers.map(splitOf);
    return (text) =>
      steps.reduce(
        (/** @type {Aligned[]} */ all, /** @type {Split} */ step) => all.flatMap(step),
        [text],
      );
  },
  WhitespaceSplit: () => (text) => words(text, () => false),
};

/** @param {any} config of tokenizer.json; null for none @returns {Split} */
export const splitOf = (config) => (config ? SPLITS[config.type](config) : (text) => [text]);

/** @param {string} char */
const isPunctuation = (char) => has(PUNCTUATION, /** @type {number} */ (char.codePointAt(0)));

/**
 * What stands between white space.
 * @param {Aligned} text
 * @param {(char: string) => boolean} alone whether a character is a word of its own
 */
function words(text, alone) {
  /** @type {Aligned[]} */
  const found = [];
  let from = 0;
  const close = (/** @type {number} */ to) => {
    if (to > from) found.push(part(text, from, to));
    from = to;
  };
  text.chars.forEach((char, index) => {
    if (isSpace(char)) {
      close(index);
      from = index + 1;
    } else if (alone(char)) {
      close(index);
      close(index + 1);
    }
  });
  close(text.chars.length);
  return found;
}

/** @param {any} config @returns {Split} */
function metaspace({ replacement, prepend_scheme, add_prefix_space = true, split = true }) {
  const prepends = (prepend_scheme ?? (add_prefix_space ? "always" : "never")) !== "never";
  return (text) => {
    let marked = changed(text, (char) => (char === " " ? replacement : char));
    if (prepends && marked.chars.length && marked.chars[0] !== replacement)
      marked = prepended(marked, replacement);
    if (!split) return [marked];
    const starts = marked.chars.flatMap((char, index) =>
      index && char === replacement ? index : [],
    );
    return [0, ...starts].map((from, index) => part(marked, from, starts[index]));
  };
}

/** GPT-2's (openai/gpt-2, src/encoder.py), whose white space is Unicode's. */
const PIECES =
  /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** @param {any} config @returns {Split} */
function byteLevel({ add_prefix_space, use_regex = true }) {
  return (text) => {
    const whole =
      add_prefix_space && text.chars.length && text.chars[0] !== " " ? prepended(text, " ") : text;
    const pieces = use_regex
      ? (whole.chars.join("").match(PIECES) ?? []).map((piece) => Array.from(piece).length)
      : [whole.chars.length];
    let at = 0;
    return pieces.map((length) => changed(part(whole, at, (at += length)), bytesOf));
  };
}

const encoder = new TextEncoder();

/** A character for each byte that a character has in UTF-8. @param {string} char */
const bytesOf = (char) => Array.from(encoder.encode(char), (byte) => BYTES[byte]).join("");

/** GPT-2's: bytes that can be seen as they are, the others from 256 on. */
const BYTES = (() => {
  let next = 256;
  const seen = (/** @type {number} */ byte) =>
    (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(seen(byte) ? byte : next++));
})();
