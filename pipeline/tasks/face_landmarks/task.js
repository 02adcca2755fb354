/** Points of a face: the twin of answers.py. */
import { find } from "../landmarks.js";
import { inPicture } from "../part.js";
import { readPoints } from "../points.js";
import mesh from "./mesh.json" with { type: "json" };

/**
 * @typedef {import("../../inputs/image/fit.js").Origin} Origin
 * @typedef {import("../part.js").Outputs} Outputs
 * @typedef {import("../points.js").Keypoint} Keypoint
 */

/** What a loaded model can do. */
export const methods = { face: inPicture(face) };

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @param {import("./methods.js").FaceOptions} asked
 * @param {Origin} origin how the image lies in the input
 * @returns {import("./methods.js").Face[]} in pixels of the image; none or one
 */
export function face(outputs, { task_options: options }, asked, origin) {
  const { attention } = options;
  const merge = (/** @type {Keypoint[]} */ points) => merged(points, outputs, attention);
  const found = find(outputs, options, asked, origin, 468, attention ? merge : undefined);
  return found.map(({ score, keypoints }) => {
    const known = Object.entries(mesh.contours).filter(([, pairs]) =>
      pairs.flat().every((point) => point < keypoints.length),
    );
    const contours = /** @type {Record<string, [number, number][]>} */ (Object.fromEntries(known));
    return { score, keypoints, contours };
  });
}

/**
 * With the parts of an attention mesh; irises are as deep as their eyes.
 * @param {Keypoint[]} points
 * @param {Outputs} outputs
 * @param {Record<string, import("../points.js").Points>} attention
 */
function merged(points, outputs, attention) {
  const all = points.map((point) => ({ ...point }));
  for (const [name, part] of Object.entries(mesh.refined)) {
    const [told] = readPoints(outputs, attention[name], part.points.length);
    const depth = "depth" in part ? part.depth.map((i) => all[i].z ?? 0) : [];
    const z = depth.reduce((sum, one) => sum + one, 0) / depth.length;
    part.points.forEach((point, i) => {
      const { x, y } = told[i];
      const kept = all[point]?.z ?? (points[0].z === undefined ? undefined : 0);
      const deep = depth.length && kept !== undefined ? z : kept;
      all[point] = { x, y, ...(deep !== undefined && { z: deep }) };
    });
  }
  return all;
}
