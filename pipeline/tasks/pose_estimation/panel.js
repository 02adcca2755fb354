/** Poses in the demo: skeletons over the picture. */

import { drawPoints } from "../../client/draw.js";
import { pointsPanel } from "../points_panel.js";

const CODE = `const [body] = await model.pose(document.querySelector("img"));
for (const { name, x, y } of body?.keypoints ?? []) console.log(name, x, y);`;

/** @param {import("../../client/demo/contract.js").Host} host */
export const create = async (host) =>
  pointsPanel(host, {
    method: "pose",
    one: "body",
    many: "bodies",
    code: CODE,
    paint: (context, { keypoints, connections }, color, { seen }) =>
      drawPoints(context, keypoints, { connections, color, least: seen }),
  });
