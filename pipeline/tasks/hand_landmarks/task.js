/** Points of a hand: the twin of answers.py. */
import { find } from "../landmarks.js";
import { inPicture, tableOf } from "../part.js";
import { inSpace } from "../points.js";
import hand from "./hand.json" with { type: "json" };

/**
 * @typedef {import("../../inputs/image/fit.js").Origin} Origin
 * @typedef {import("../part.js").Outputs} Outputs
 */

/** What a loaded model can do. */
export const methods = { hands: inPicture(hands) };

/**
 * @param {Outputs} outputs
 * @param {any} manifest
 * @param {import("./methods.js").HandOptions} asked
 * @param {Origin} origin how the image lies in the input
 * @returns {import("./methods.js").Hand[]} in pixels of the image; none or one
 */
export function hands(outputs, { task_options: options }, asked, origin) {
  const { names } = hand;
  const connections = /** @type {[number, number][]} */ (hand.connections);
  return find(outputs, options, asked, origin, names.length).map(({ score, keypoints }) => ({
    score,
    keypoints: keypoints.map((point, i) => ({ ...point, name: names[i] })),
    connections,
    ...(options.handedness && { handedness: handedness(outputs, options.handedness) }),
    ...(options.world && {
      keypoints3D: inSpace(tableOf(outputs, options.world, 1).value, 0, names),
    }),
  }));
}

/**
 * @param {Outputs} outputs
 * @param {import("../part.js").Part} part
 * @returns {import("./methods.js").Hand["handedness"]}
 */
function handedness(outputs, part) {
  const right = tableOf(outputs, part, 1).value(0, 0);
  return right >= 0.5 ? { label: "right", score: right } : { label: "left", score: 1 - right };
}
