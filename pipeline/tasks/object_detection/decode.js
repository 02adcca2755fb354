/** Outputs become boxes with scores, as shares of the input: the twin of decode.py. */
import { tableOf } from "../part.js";
import { makeAnchors } from "./anchors.js";

/**
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("../part.js").Outputs} Outputs
 * @typedef {import("../part.js").Table} Table
 * @typedef {[number, number]} Point x and y
 *
 * @typedef {object} Candidate
 * @property {[number, number, number, number]} box left, upper, right and lower edge
 * @property {Point[]} points
 *
 * @typedef {object} Candidates
 * @property {number} count
 * @property {number} classes columns of scores
 * @property {Table} score of a box, for a class
 * @property {((row: number) => number) | null} chosen the class of a box, where the graph chose it
 * @property {(row: number) => Candidate} candidate
 */

/** @param {Outputs} outputs @param {Options} options @returns {Candidates} */
export const decode = (outputs, options) =>
  options.centers ? ofCenters(outputs, options) : ofBoxes(outputs, options);

/** @param {Outputs} outputs @param {Options} options @returns {Candidates} */
function ofBoxes(outputs, { boxes, scores, classes, keypoints, anchors: how }) {
  const { shape, data } = outputs[boxes.output];
  const count = data.length / shape[shape.length - 1];
  const raw = tableOf(outputs, boxes, count);
  const score = tableOf(outputs, scores, count);
  const chosen = classes && tableOf(outputs, classes, count);
  const spots = keypoints && tableOf(outputs, keypoints, count);
  const anchors = how && makeAnchors(how);
  const [x, y] = scaleOf(boxes);
  return {
    count,
    classes: score.columns,
    score: score.value,
    chosen: chosen && ((row) => Math.floor(chosen.value(row, 0) + 0.5) - (classes?.first ?? 0)),
    candidate: (row) => {
      const anchor = anchors?.[row];
      return {
        box: edges(
          [0, 1, 2, 3].map((column) => raw.value(row, column)),
          boxes,
          anchor,
        ),
        points: Array.from({ length: spots ? spots.columns / 2 : 0 }, (_, i) => {
          const [across, down] = [0, 1].map((axis) => spots?.value(row, 2 * i + axis) ?? 0);
          return placed([across / x, down / y], anchor);
        }),
      };
    },
  };
}

/** Of maps: each cell is a candidate. @param {Outputs} outputs @param {Options} options @returns {Candidates} */
function ofCenters(outputs, { boxes, scores, centers, threshold }) {
  const [height, width] = outputs[scores.output].shape.slice(-3);
  const count = height * width;
  const heat = tableOf(outputs, scores, count);
  const distances = distancesOf(outputs, boxes, count);
  const offsets = centers?.offsets && tableOf(outputs, centers.offsets, count);
  const around = ((centers?.window ?? 1) - 1) / 2;
  const [right, below] = centers?.order === "xy" ? [0, 1] : [1, 0];
  const score = (/** @type {number} */ row, /** @type {number} */ column) => {
    const value = heat.value(row, column);
    // Most cells are of nothing: their neighbours are not looked at.
    if (value < threshold) return -Infinity;
    const [y, x] = [Math.floor(row / width), row % width];
    for (let i = Math.max(y - around, 0); i <= Math.min(y + around, height - 1); i++)
      for (let j = Math.max(x - around, 0); j <= Math.min(x + around, width - 1); j++)
        if (heat.value(i * width + j, column) > value) return -Infinity;
    return value;
  };
  const candidate = (/** @type {number} */ row) => {
    const x = (row % width) + (offsets?.value(row, right) ?? 0);
    const y = Math.floor(row / width) + (offsets?.value(row, below) ?? 0);
    const [a, b, c, d] = distances(row);
    /** @type {Candidate["box"]} */
    const box = [(x - a) / width, (y - b) / height, (x + c) / width, (y + d) / height];
    return { box, points: [] };
  };
  return { count, classes: heat.columns, score, chosen: null, candidate };
}

/**
 * How far the left, upper, right and lower edge of each row's box are from its centre, in cells.
 * @param {Outputs} outputs
 * @param {import("./options.js").Boxes} boxes
 * @param {number} count
 * @returns {(row: number) => number[]}
 */
function distancesOf(outputs, boxes, count) {
  const { value } = tableOf(outputs, boxes, count);
  const scale = scaleOf(boxes);
  if (boxes.order === "ltrb") return (row) => scale.map((by, column) => value(row, column) / by);
  const [across, down] = boxes.order === "wh" ? [0, 1] : [1, 0];
  return (row) => {
    const [half, high] = [value(row, across) / scale[2] / 2, value(row, down) / scale[3] / 2];
    return [half, high, half, high];
  };
}

/**
 * @param {number[]} raw
 * @param {import("./options.js").Boxes} options
 * @param {import("./anchors.js").Anchor} [anchor]
 * @returns {[number, number, number, number]}
 */
function edges(raw, { order, scale, exponential }, anchor) {
  const [x, y, wide, tall] = scaleOf({ scale });
  const [a, b, c, d] = /^(yxyx|cycxhw)$/.test(order) ? [raw[1], raw[0], raw[3], raw[2]] : raw;
  if (/^(yxyx|xyxy)$/.test(order)) return [a / x, b / y, c / x, d / y];
  let [width, height] = [c / wide, d / tall];
  if (exponential) [width, height] = [Math.exp(width), Math.exp(height)];
  if (order === "xywh") return [a / x, b / y, a / x + width, b / y + height];
  const [across, down] = placed([a / x, b / y], anchor);
  if (anchor) [width, height] = [width * anchor[2], height * anchor[3]];
  return [across - width / 2, down - height / 2, across + width / 2, down + height / 2];
}

/**
 * @param {Point} point relative to an anchor
 * @param {import("./anchors.js").Anchor} [anchor]
 * @returns {Point}
 */
const placed = ([x, y], anchor) =>
  anchor ? [x * anchor[2] + anchor[0], y * anchor[3] + anchor[1]] : [x, y];

/** @param {{ scale: number | number[] }} options @returns {number[]} of x, y, width and height */
const scaleOf = ({ scale }) => (Array.isArray(scale) ? scale : [scale, scale, scale, scale]);
