/** What a comparison comes to, in a sentence or two. */

import { median } from "./words.js";

/** Sessions of one artifact differ by less than this; what differs by less is alike. */
const ALIKE = 1.1;

/**
 * @param {import("./side.js").Side} a
 * @param {import("./side.js").Side} b
 * @returns {string} nothing while there is nothing to compare
 */
export function verdict(a, b) {
  if (!a.answer || !b.answer) return "";
  const [first, second] = [a.answer[0].label, b.answer[0].label];
  const same =
    first === second ? `Both say ${first}.` : `They differ: A says ${first}, B says ${second}.`;
  const speed = ratio(median(a.times), median(b.times), "faster", "equally fast");
  const size = ratio(
    a.model?.info.bytes.total,
    b.model?.info.bytes.total,
    "smaller",
    "equally large",
  );
  return `${same} ${speed} ${size}`;
}

/** @param {number} a @param {number} b @param {string} better @param {string} alike */
function ratio(a, b, better, alike) {
  const factor = Math.max(a, b) / Math.min(a, b);
  if (!(factor >= ALIKE)) return `They are ${alike}.`;
  return `${a < b ? "A" : "B"} is ${factor.toFixed(1)} times ${better}.`;
}
