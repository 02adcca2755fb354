/** What becomes of a text before it is cut: the normalizers of tokenizer.json, as the Python library has them. */
import { changed, part, prepended } from "./align.js";
import { ACCENTS, CHINESE, has, REMOVED, SPACES } from "./tables.js";

/**
 * @typedef {import("./align.js").Aligned} Aligned
 * @typedef {(text: Aligned) => Aligned} Normalize
 */

/** @type {Record<string, (config: any) => Normalize>} by their type; others were refused */
const NORMALIZERS = {
  BertNormalizer: bert,
  Lowercase: () => (text) => changed(text, (char) => char.toLowerCase()),
  NFC: () => composed("NFC"),
  NFD: () => composed("NFD"),
  NFKC: () => composed("NFKC"),
  NFKD: () => composed("NFKD"),
  Prepend:
    ({ prepend }) =>
    (text) =>
      text.chars.length ? prepended(text, prepend) : text,
  Replace: replace,
  Sequence: ({ normalizers }) => {
    const steps = normalizers.map(normalizerOf);
    return (text) =>
      steps.reduce((/** @type {any} */ one, /** @type {any} */ step) => step(one), text);
  },
  Strip: strip,
};

/** @param {any} config of tokenizer.json; null for none @returns {Normalize} */
export const normalizerOf = (config) =>
  config ? NORMALIZERS[config.type](config) : (text) => text;

/** @param {any} config @returns {Normalize} */
function bert({ clean_text, handle_chinese_chars, strip_accents, lowercase }) {
  const cleaned = (/** @type {string} */ char) => {
    const code = codeOf(char);
    if (clean_text && has(REMOVED, code)) return "";
    if (clean_text && has(SPACES, code)) return " ";
    return handle_chinese_chars && has(CHINESE, code) ? ` ${char} ` : char;
  };
  const decomposed = composed("NFD");
  const bare = (/** @type {string} */ char) => (has(ACCENTS, codeOf(char)) ? "" : char);
  return (text) => {
    const clean = changed(text, cleaned);
    const stripped = (strip_accents ?? lowercase) ? changed(decomposed(clean), bare) : clean;
    return lowercase ? changed(stripped, (char) => char.toLowerCase()) : stripped;
  };
}

/** @param {string} char */
const codeOf = (char) => /** @type {number} */ (char.codePointAt(0));

/** @param {"NFC" | "NFD" | "NFKC" | "NFKD"} form @returns {Normalize} */
function composed(form) {
  const normal = (/** @type {string} */ text) => text.normalize(form);
  return ({ chars, starts, ends }) => {
    /** @type {Aligned} */
    const result = { chars: [], starts: [], ends: [] };
    const close = (/** @type {number} */ from, /** @type {number} */ to) => {
      const own = chars.slice(from, to);
      const made = Array.from(normal(own.join("")));
      // What is only taken apart comes from one character each; what is put together from all.
      const origins = own.flatMap((char, i) => Array.from(normal(char), () => from + i));
      const apart = origins.length === made.length;
      made.forEach((char, i) => {
        result.chars.push(char);
        result.starts.push(starts[apart ? origins[i] : from]);
        result.ends.push(ends[apart ? origins[i] : to - 1]);
      });
    };
    let from = 0;
    for (let index = 1; index < chars.length; index++) {
      if (together(chars, from, index, normal)) continue;
      close(from, index);
      from = index;
    }
    close(from, chars.length);
    return result;
  };
}

/**
 * Whether a character is changed with those before it: marks move, and letters such as Hangul's are joined.
 * @param {string[]} chars
 * @param {number} from where those begin
 * @param {number} index
 * @param {(text: string) => string} normal
 */
function together(chars, from, index, normal) {
  const char = chars[index];
  if (char < "\u0300") return false;
  if (/\p{M}/u.test(char)) return true;
  const before = chars.slice(from, index).join("");
  return normal(before + char) !== normal(before) + normal(char);
}

/** @param {any} config with a string to be looked for, or the runs of spaces that converters of SentencePiece name @returns {Normalize} */
function replace({ pattern, content }) {
  const wanted = Array.from(pattern.String ?? " ");
  const least = pattern.String === undefined ? 2 : 1;
  return (text) => {
    /** @type {Aligned} */
    const result = { chars: [], starts: [], ends: [] };
    const { chars, starts, ends } = text;
    const isAt = (/** @type {number} */ at) => wanted.every((char, i) => chars[at + i] === char);
    for (let at = 0; at < chars.length; ) {
      let to = at;
      // One after another is one only where runs are meant.
      while (isAt(to) && (to === at || least > 1)) to += wanted.length;
      const run = to - at >= least;
      const [char, next] = run ? [content, to] : [chars[at], at + 1];
      for (const one of char) {
        result.chars.push(one);
        result.starts.push(starts[next - 1]);
        result.ends.push(ends[next - 1]);
      }
      at = next;
    }
    return result;
  };
}

/** @param {any} config @returns {Normalize} */
function strip({ strip_left, strip_right }) {
  return (text) => {
    const { chars } = text;
    let [from, to] = [0, chars.length];
    while (strip_left && from < to && isSpace(chars[from])) from++;
    while (strip_right && to > from && isSpace(chars[to - 1])) to--;
    return part(text, from, to);
  };
}

/** @param {string} char */
export const isSpace = (char) => /\p{White_Space}/u.test(char);
