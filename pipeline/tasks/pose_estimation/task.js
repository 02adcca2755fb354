/** Poses of bodies: the twin of answers.py. */
import { inPicture, tableOf } from "../part.js";
import { best, inSpace, readPoints, toImage } from "../points.js";
import { readPoses } from "./heatmaps.js";
import { refine } from "./refine.js";
import skeletons from "./skeletons.json" with { type: "json" };

/**
 * @typedef {import("../../inputs/image/fit.js").Origin} Origin
 * @typedef {import("../part.js").Outputs} Outputs
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./methods.js").Pose} Pose
 */

/** What a loaded model can do. */
export const methods = { pose: inPicture(pose) };

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @param {import("./methods.js").PoseOptions} asked
 * @param {Origin} origin how the image lies in the input
 * @returns {Pose[]} in pixels of the image, the surest first
 */
export function pose(outputs, { task_options: options }, asked, origin) {
  const { threshold = options.threshold, max = options.max } = asked;
  const { names, connections, auxiliary } = /** @type {Record<string, any>} */ (skeletons)[
    options.skeleton
  ];
  const found = options.heatmaps
    ? ofHeatmaps(outputs, options, names.length, origin)
    : ofPoints(outputs, options, names, auxiliary);
  return best(found, threshold, Math.min(max, options.max)).map(({ keypoints, ...pose }) => {
    const points = keypoints.map((/** @type {any} */ point) => toImage(point, origin));
    const others = points.slice(names.length).map((/** @type {any} */ { x, y }) => ({ x, y }));
    return {
      ...pose,
      keypoints: names.map((/** @type {string} */ name, /** @type {number} */ i) => ({
        ...points[i],
        name,
      })),
      connections,
      ...(auxiliary && { auxiliary: others }),
    };
  });
}

/**
 * @param {Outputs} outputs
 * @param {Options} options
 * @param {number} count
 * @param {Origin} origin
 * @returns {any[]} as shares of the input
 */
const ofHeatmaps = (outputs, { heatmaps, max }, count, { input }) =>
  readPoses(outputs, /** @type {any} */ (heatmaps), count, max).map((pose) => ({
    ...pose,
    keypoints: pose.keypoints.map(({ x, y, score }) => ({
      x: x / input[1],
      y: y / input[0],
      score,
    })),
  }));

/**
 * @param {Outputs} outputs
 * @param {Options} options
 * @param {string[]} names
 * @param {number} [auxiliary] points behind those
 * @returns {any[]} as shares of the input
 */
function ofPoints(outputs, options, names, auxiliary = 0) {
  const points = /** @type {import("../points.js").Points} */ (options.points);
  const score = options.score && tableOf(outputs, options.score, points.rows);
  const world = options.world && tableOf(outputs, options.world, points.rows);
  return readPoints(outputs, points, names.length + auxiliary).map((keypoints, row) => {
    const named = keypoints.slice(0, names.length);
    const seen = named.map(({ score = 1 }) => score).filter((sure) => sure >= options.seen);
    const mean = seen.reduce((sum, sure) => sum + sure, 0) / Math.max(seen.length, 1);
    return {
      score: score ? score.value(row, 0) : mean,
      keypoints: options.refine ? refine(keypoints, outputs, options.refine) : keypoints,
      ...(world && { keypoints3D: inSpace(world.value, row, names) }),
    };
  });
}
