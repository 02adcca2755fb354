/** What was found, in words. */

import { counted } from "../../../client/demo/words.js";
import { overlap } from "../suppress.js";

/** @typedef {import("../methods.js").DetectedObject} Found */

/** From this overlap on two boxes are of one object. */
const SAME = 0.5;
/** Classes that are named. */
const NAMED = 3;

/** @param {Found[]} objects */
export function inShort(objects) {
  const counts = new Map();
  for (const { label } of objects) counts.set(label, (counts.get(label) ?? 0) + 1);
  const named = [...counts].map(([label, count]) => (count > 1 ? `${count} × ${label}` : label));
  if (!named.length) return "nothing found";
  const rest = named.length - NAMED;
  return [...named.slice(0, NAMED), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
}

/** @param {Found} found */
export function placed({ box }) {
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(Math.round);
  return `${width} × ${height} at ${x}, ${y}`;
}

/**
 * Whether two find the same, in a sentence.
 * @param {Found[]} a
 * @param {Found[]} b
 */
export function compare(a, b) {
  const free = new Set(b);
  const same = a.filter((found) => {
    const other = [...free].find((one) => isSame(found, one));
    return other && free.delete(other);
  }).length;
  if (!a.length && !b.length) return "Neither finds anything.";
  if (same === a.length && same === b.length) return `Both find the same: ${inShort(a)}.`;
  const counts = `A finds ${counted(a.length, "object")}, B ${b.length}`;
  return `${counts}: ${same || "none"} of them the same.`;
}

/** @param {Found} a @param {Found} b */
const isSame = (a, b) => a.label === b.label && overlap(edges(a), edges(b)) >= SAME;

/** @param {Found} found @returns {[number, number, number, number]} */
const edges = ({ box: { x, y, width, height } }) => [x, y, x + width, y + height];
