/** What a comparison comes to, in a sentence or two. */

/** Sizes that differ by less are alike. */
const ALIKE = 1.1;
/** Runs of each from which a speed can be told. */
const ENOUGH = 10;

/**
 * @param {import("./side.js").Side} a
 * @param {import("./side.js").Side} b
 * @param {import("./contract.js").Panel} panel
 * @returns {string} nothing while there is nothing to compare
 */
export function verdict(a, b, panel) {
  // While a picture changes, one of them may still answer the one before.
  if (!a.answer || !b.answer || a.seen !== b.seen) return "";
  const [left, right] = [a, b].map((side) => side.wireBytes);
  const [first, second] = [a, b].map(({ answer, seen }) => ({ answer, item: seen }));
  return `${panel.compare(first, second)} ${speed(a.times, b.times)} ${size(left, right)}`;
}

/** Which is faster: where the slower half of its runs beats the faster half of the other's. */
function speed(/** @type {number[]} */ a, /** @type {number[]} */ b) {
  if (Math.min(a.length, b.length) < ENOUGH) return "Time them to see which is faster.";
  const [left, right] = [a, b].map(quartiles);
  if (left.high < right.low) return faster("A", right.middle / left.middle);
  if (right.high < left.low) return faster("B", left.middle / right.middle);
  return "Their times overlap: neither is clearly faster.";
}

/** @param {number[]} times */
function quartiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))];
  return { low: at(0.25), middle: at(0.5), high: at(0.75) };
}

/** @param {string} name @param {number} factor */
const faster = (name, factor) => `${name} is ${factor.toFixed(1)} times faster.`;

/** @param {number} a @param {number} b bytes */
function size(a, b) {
  const factor = Math.max(a, b) / Math.min(a, b);
  if (!(factor >= ALIKE)) return "They are equally large.";
  return `${a < b ? "A" : "B"} is ${factor.toFixed(1)} times smaller.`;
}
