/** Object detection in the demo: boxes over the picture, and a list of them. */

import { colorOf, drawBoxes, drawPoints } from "../../client/draw.js";
import { FoundPanel } from "../found_panel.js";
import { compare, inShort, placed } from "./panel/words.js";

const CODE = `const objects = await model.detect(document.querySelector("img"));
for (const { label, score, box } of objects) console.log(label, score, box.x, box.y, box.width, box.height);`;

/** @typedef {import("./methods.js").DetectedObject} Found */

/** @param {import("../../client/demo/contract.js").Host} host */
export const create = async (host) =>
  new FoundPanel(host, {
    method: "detect",
    code: CODE,
    inShort,
    compare,
    row: (/** @type {Found} */ found) => {
      const { label, index, score } = found;
      return { color: colorOf(index), label, where: placed(found), score };
    },
    paint: (context, /** @type {Found[]} */ answer, order) => {
      for (const { index, keypoints = [] } of answer)
        drawPoints(context, keypoints, { color: colorOf(index) });
      drawBoxes(context, answer, { dashed: order > 0 });
    },
  });
