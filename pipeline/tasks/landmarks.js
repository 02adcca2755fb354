/** Landmarks of the one thing that a crop shows: the twin of landmarks.py. */
import { tableOf } from "./part.js";
import { readPoints, toImage } from "./points.js";

/**
 * @typedef {import("./part.js").Part} Part
 * @typedef {import("./points.js").Keypoint} Keypoint
 * @typedef {import("./points.js").Points} Points
 * @typedef {{points: Points, score: Part, threshold: number}} Options
 */

/**
 * @param {import("./part.js").Outputs} outputs
 * @param {Options} options
 * @param {{threshold?: number}} asked
 * @param {import("../inputs/image/fit.js").Origin} origin
 * @param {number} count of points
 * @param {(points: Keypoint[]) => Keypoint[]} [merge] what else is known of them, as shares of the input
 * @returns {{score: number, keypoints: Keypoint[]}[]} in pixels of the image; none where the thing is not there
 */
export function find(outputs, options, asked, origin, count, merge = (points) => points) {
  const score = tableOf(outputs, options.score, 1).value(0, 0);
  if (!(score >= (asked.threshold ?? options.threshold))) return [];
  const [points] = readPoints(outputs, options.points, count);
  return [{ score, keypoints: merge(points).map((point) => toImage(point, origin)) }];
}
