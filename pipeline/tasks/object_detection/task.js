/** Boxes around objects: the twin of answers.py. */
import { shareToImage } from "../../inputs/image/fit.js";
import { inPicture } from "../part.js";
import { decode } from "./decode.js";
import { suppress } from "./suppress.js";

/**
 * @typedef {import("../../inputs/image/fit.js").Origin} Origin
 * @typedef {import("./methods.js").DetectedObject} DetectedObject
 */

/** What a loaded model can do. */
export const methods = { detect: inPicture(detect) };

/**
 * @param {import("./decode.js").Outputs} outputs
 * @param {any} manifest
 * @param {import("./methods.js").DetectOptions} options
 * @param {Origin} origin how the image lies in the input
 * @returns {DetectedObject[]} in pixels of the image, the surest first
 */
export function detect(outputs, { labels, task_options }, options, origin) {
  /** @type {import("./options.js").Options} */
  const { nms, max, clip, ...rest } = task_options;
  const { allow, iou = nms?.iou, threshold = rest.threshold } = options;
  const asked = { ...rest, max, clip, threshold, nms: nms && { ...nms, iou: iou ?? nms.iou } };
  const [height, width] = origin.size;
  const bounded = (/** @type {number} */ value, /** @type {number} */ most) =>
    clip ? Math.max(0, Math.min(most, value)) : value;
  return suppress(decode(outputs, asked), asked)
    .map(({ box, points, score, index }) => {
      const label = labels?.[index] || String(index);
      const corners = [0, 2].flatMap((x) => [1, 3].map((y) => toImage([box[x], box[y]], origin)));
      const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
      const [left, right] = [Math.min(...xs), Math.max(...xs)].map((x) => bounded(x, width));
      const [top, bottom] = [Math.min(...ys), Math.max(...ys)].map((y) => bounded(y, height));
      const keypoints = points.map((point) => toImage(point, origin));
      return {
        label,
        index,
        score,
        box: { x: left, y: top, width: right - left, height: bottom - top },
        ...(keypoints.length && { keypoints }),
      };
    })
    .filter(({ label }) => !allow || allow.includes(label))
    .slice(0, options.max ?? max);
}

/**
 * A share of the input in pixels of the image.
 * @param {number[]} point
 * @param {Origin} origin
 */
function toImage(point, origin) {
  const [x, y] = shareToImage(/** @type {[number, number]} */ (point), origin);
  return { x, y };
}
