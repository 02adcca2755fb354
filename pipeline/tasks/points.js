/** Points of bodies, faces and hands: the twin of points.py. */
import { shareToImage } from "../inputs/image/fit.js";
import { activate, tableOf } from "./part.js";

/**
 * @typedef {import("../inputs/image/fit.js").Origin} Origin
 * @typedef {import("./part.js").Part} Part
 * @typedef {Part & {order: string, scale: number | [number, number], rows: number}} Points
 * @typedef {{x: number, y: number, z?: number, score?: number, presence?: number, name?: string}} Keypoint
 * @typedef {{score: number, keypoints: Keypoint[]}} Thing
 */

/**
 * @param {import("./part.js").Outputs} outputs
 * @param {Points} how
 * @param {number} count
 * @returns {Keypoint[][]} of each thing, as shares of the input
 */
export function readPoints(outputs, how, count) {
  const { order, rows, activation } = how;
  const [across, down] = Array.isArray(how.scale) ? how.scale : [how.scale, how.scale];
  const { value } = tableOf(outputs, { ...how, activation: "none" }, rows);
  const at = (/** @type {string} */ letter) => order.search(`[${letter}]`);
  const [x, y, z, score, presence] = ["x", "y", "z", "sv", "p"].map(at);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: count }, (_, i) => {
      const read = (/** @type {number} */ column) => value(row, i * order.length + column);
      return {
        x: read(x) / across,
        y: read(y) / down,
        ...(z >= 0 && { z: read(z) / across }),
        ...(score >= 0 && { score: activate(read(score), activation) }),
        ...(presence >= 0 && { presence: activate(read(presence), activation) }),
      };
    }),
  );
}

/**
 * @param {import("./part.js").Table} value of a table whose rows are x, y and z of one point after another
 * @param {number} row
 * @param {string[]} names
 */
export const inSpace = (value, row, names) =>
  names.map((name, i) => {
    const [x, y, z] = [0, 1, 2].map((axis) => value(row, 3 * i + axis));
    return { x, y, z, name };
  });

/**
 * @template {Keypoint} K
 * @param {K} point as a share of the input
 * @param {Origin} origin
 * @returns {K} in pixels of the image; z is scaled as x
 */
export const toImage = (point, origin) => {
  const [x, y] = shareToImage([point.x, point.y], origin);
  const deep = point.z !== undefined && { z: (point.z * origin.input[1]) / origin.scale[1] };
  return { ...point, x, y, ...deep };
};

/**
 * @template {Thing} T
 * @param {T[]} things
 * @param {number} threshold
 * @param {number} most
 * @returns {T[]} the surest first
 */
export const best = (things, threshold, most) =>
  things
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score)
    .slice(0, most);
