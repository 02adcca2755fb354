/** What has points, in the demo: bodies, faces, hands. */

import { colorOf } from "../client/draw.js";
import { FoundPanel } from "./found_panel.js";

/**
 * @typedef {{score: number, keypoints: {x: number, y: number, score?: number}[]}} Found
 *
 * @typedef {object} Kind what a task has
 * @property {string} method of its models
 * @property {string} one of what is found, such as `body`
 * @property {string} many
 * @property {string} code that uses a loaded `model`
 * @property {(context: CanvasRenderingContext2D, found: any, color: string, options: any) => void} paint
 * @property {(found: any) => string} [more] what the list says of each
 */

/**
 * @param {import("../client/demo/contract.js").Host} host
 * @param {Kind} kind
 */
export function pointsPanel(host, { method, one, many, code, paint, more = countPoints }) {
  const inShort = (/** @type {Found[]} */ { length }) =>
    length ? `${length} ${length > 1 ? many : one}` : `no ${one} found`;
  const name = one[0].toUpperCase() + one.slice(1);
  return new FoundPanel(host, {
    method,
    code,
    inShort,
    row: (/** @type {Found} */ found, index) => ({
      color: colorOf(index),
      label: `${name} ${index + 1}`,
      where: more(found),
      score: found.score,
    }),
    paint: (context, /** @type {Found[]} */ answer, order, options) =>
      answer.forEach((found, index) => paint(context, found, colorOf(index + 3 * order), options)),
    compare: (/** @type {Found[]} */ a, /** @type {Found[]} */ b) => {
      if (!a.length && !b.length) return `Neither finds a ${one}.`;
      if (a.length !== b.length) return `A: ${inShort(a)}; B: ${inShort(b)}.`;
      return `Both find ${inShort(a)}; points lie ${apart(a, b).toFixed(1)} pixels apart in the mean.`;
    },
  });
}

const countPoints = (/** @type {Found} */ { keypoints }) => `${keypoints.length} points`;

/**
 * Pixels between the same points of the same things, in the mean.
 * @param {Found[]} a
 * @param {Found[]} b
 */
function apart(a, b) {
  const all = a.flatMap(({ keypoints }, index) =>
    keypoints.map(({ x, y }, point) => {
      const other = b[index].keypoints[point];
      return Math.hypot(x - other.x, y - other.y);
    }),
  );
  return all.reduce((sum, one) => sum + one, 0) / all.length;
}
