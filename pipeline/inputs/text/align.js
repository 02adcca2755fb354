/**
 * A text as code points that know where they come from, whatever becomes of them.
 *
 * @typedef {{chars: string[], starts: number[], ends: number[]}} Aligned each a code point, and from where to where in
 *   the text it comes, in UTF-16 code units
 */

/** @param {string} text without lone surrogates @returns {Aligned} */
export function align(text) {
  const chars = Array.from(text);
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const ends = [];
  let at = 0;
  for (const char of chars) {
    starts.push(at);
    ends.push((at += char.length));
  }
  return { chars, starts, ends };
}

/**
 * Each code point becomes what a function makes of it: none, one or several, all from where it was.
 * @param {Aligned} text
 * @param {(char: string, index: number) => string} change
 * @returns {Aligned}
 */
export function changed({ chars, starts, ends }, change) {
  /** @type {Aligned} */
  const result = { chars: [], starts: [], ends: [] };
  chars.forEach((char, index) => {
    for (const one of change(char, index)) {
      result.chars.push(one);
      result.starts.push(starts[index]);
      result.ends.push(ends[index]);
    }
  });
  return result;
}

/**
 * With characters in front, which count as the first one's.
 * @param {Aligned} text
 * @param {string} more
 * @returns {Aligned}
 */
export function prepended({ chars, starts, ends }, more) {
  const added = Array.from(more);
  return {
    chars: [...added, ...chars],
    starts: [...added.map(() => starts[0]), ...starts],
    ends: [...added.map(() => ends[0]), ...ends],
  };
}

/**
 * @param {Aligned} text
 * @param {number} from
 * @param {number} [to]
 * @returns {Aligned}
 */
export const part = ({ chars, starts, ends }, from, to) => ({
  chars: chars.slice(from, to),
  starts: starts.slice(from, to),
  ends: ends.slice(from, to),
});
