/** Faces in the demo: a mesh over the picture, with the lines of eyes, lips, brows and the oval. */

import { drawPoints } from "../../client/draw.js";
import { pointsPanel } from "../points_panel.js";

const CODE = `const [face] = await model.face(document.querySelector("img"));
console.log(face?.score, face?.keypoints[1]); // the tip of the nose`;

/** @param {import("../../client/demo/contract.js").Host} host */
export const create = async (host) =>
  pointsPanel(host, {
    method: "face",
    one: "face",
    many: "faces",
    code: CODE,
    paint: (context, { keypoints, contours }, color) => {
      drawPoints(context, keypoints, { color, radius: 0.8 });
      const connections = Object.values(contours).flat();
      drawPoints(context, keypoints, { connections, color, radius: 0, width: 1.5 });
    },
  });
