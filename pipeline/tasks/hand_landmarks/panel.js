/** Hands in the demo: fingers over the picture, and which hand it is. */

import { drawPoints } from "../../client/draw.js";
import { pointsPanel } from "../points_panel.js";

const CODE = `const [hand] = await model.hands(document.querySelector("img"));
console.log(hand?.score, hand?.handedness, hand?.keypoints[8]); // the tip of the index finger`;

/** @param {import("../../client/demo/contract.js").Host} host */
export const create = async (host) =>
  pointsPanel(host, {
    method: "hands",
    one: "hand",
    many: "hands",
    code: CODE,
    more: ({ handedness, keypoints }) => handedness?.label ?? `${keypoints.length} points`,
    paint: (context, { keypoints, connections }, color) =>
      drawPoints(context, keypoints, { connections, color }),
  });
