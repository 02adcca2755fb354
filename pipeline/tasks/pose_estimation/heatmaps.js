/** Maps of points become poses: the twin of heatmaps.py. */
import { tableOf } from "../part.js";

/**
 * @typedef {import("../part.js").Outputs} Outputs
 * @typedef {import("./options.js").Heatmaps} Heatmaps
 * @typedef {[number, number]} Spot y and x, in pixels of the input
 * @typedef {{ spot: Spot, score: number }} Joint
 *
 * @typedef {object} Maps
 * @property {number} height
 * @property {number} width
 * @property {(row: number, column: number, part: number) => number} score
 * @property {(row: number, column: number, part: number) => Spot} at where a point is by the offset of a cell
 * @property {(spot: Spot) => [number, number]} cell the nearest
 */

/** The tree of displacements: pairs of points, from the nose outwards. */
const EDGES = [
  ...[
    [0, 1],
    [1, 3],
    [0, 2],
    [2, 4],
    [0, 5],
    [5, 7],
    [7, 9],
    [5, 11],
    [11, 13],
    [13, 15],
  ],
  ...[
    [0, 6],
    [6, 8],
    [8, 10],
    [6, 12],
    [12, 14],
    [14, 16],
  ],
];

/**
 * @param {Outputs} outputs
 * @param {Heatmaps} how
 * @param {number} count of a pose's points
 * @param {number} most poses
 * @returns {{score: number, keypoints: {x: number, y: number, score: number}[]}[]} in pixels of the input
 */
export function readPoses(outputs, how, count, most) {
  const [height, width] = outputs[how.scores.output].shape.slice(-3);
  const [scores, offsets] = [how.scores, how.offsets].map(
    (part) => tableOf(outputs, part, height * width).value,
  );
  /** @param {number} value @param {number} end */
  const nearest = (value, end) =>
    Math.max(0, Math.min(end - 1, Math.floor(value / how.stride + 0.5) || 0));
  /** @type {Maps} */
  const maps = {
    height,
    width,
    score: (row, column, part) => scores(row * width + column, part),
    at: (row, column, part) => [
      row * how.stride + offsets(row * width + column, part),
      column * how.stride + offsets(row * width + column, count + part),
    ],
    cell: ([y, x]) => [nearest(y, height), nearest(x, width)],
  };
  return how.forward ? several(outputs, maps, how, count, most) : [one(maps, count)];
}

/** Each point where its map is highest. @param {Maps} maps @param {number} count */
function one(maps, count) {
  const { height, width, score, at } = maps;
  const joints = Array.from({ length: count }, (_, part) => {
    let [best, highest] = [[0, 0], Number.NEGATIVE_INFINITY];
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const value = score(row, column, part);
        if (value > highest) [best, highest] = [[row, column], value];
      }
    return { spot: at(best[0], best[1], part), score: score(best[0], best[1], part) };
  });
  return posed(joints, joints.reduce((sum, joint) => sum + joint.score, 0) / count);
}

/**
 * @param {Outputs} outputs
 * @param {Maps} maps
 * @param {Heatmaps} how
 * @param {number} count
 * @param {number} most
 */
function several(outputs, maps, how, count, most) {
  const [out, back] = [how.forward, how.backward].map((part) => {
    const { value } = tableOf(outputs, /** @type {any} */ (part), maps.height * maps.width);
    return (/** @type {Spot} */ spot, /** @type {number} */ edge) => {
      const [row, column] = maps.cell(spot);
      const cell = row * maps.width + column;
      return [spot[0] + value(cell, edge), spot[1] + value(cell, EDGES.length + edge)];
    };
  });
  /** @type {{ joints: Joint[], score: number }[]} */
  const poses = [];
  const isNear = (/** @type {Spot} */ [y, x], /** @type {number} */ part) =>
    poses.some(({ joints }) => {
      const [down, across] = joints[part].spot;
      return (down - y) ** 2 + (across - x) ** 2 <= how.radius ** 2;
    });
  for (const { row, column, part, score } of peaks(maps, count, how.least)) {
    if (poses.length === most) break;
    const root = maps.at(row, column, part);
    if (isNear(root, part)) continue;
    const joints = follow(maps, { spot: root, score }, part, out, back);
    const alone = joints.map((joint, i) => (isNear(joint.spot, i) ? 0 : joint.score));
    poses.push({ joints, score: alone.reduce((sum, value) => sum + value, 0) / count });
  }
  return poses.map(({ joints, score }) => posed(joints, score));
}

/**
 * Cells that no neighbour surpasses, the surest first.
 * @param {Maps} maps
 * @param {number} count
 * @param {number} least
 */
function peaks({ height, width, score }, count, least) {
  const found = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let part = 0; part < count; part++) {
        const value = score(row, column, part);
        if (value >= least && isPeak(row, column, part, value))
          found.push({ row, column, part, score: value });
      }
  return found.sort((a, b) => b.score - a.score);

  /** @param {number} row @param {number} column @param {number} part @param {number} value */
  function isPeak(row, column, part, value) {
    for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++)
      for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++)
        if (score(y, x, part) > value) return false;
    return true;
  }
}

/**
 * The pose that a point is of: along the tree to the nose, then outwards.
 * @param {Maps} maps
 * @param {Joint} root
 * @param {number} part
 * @param {(spot: Spot, edge: number) => number[]} out
 * @param {(spot: Spot, edge: number) => number[]} back
 */
function follow({ cell, at, score }, root, part, out, back) {
  /** @type {Joint[]} */
  const joints = [];
  joints[part] = root;
  const walk = (
    /** @type {number} */ edge,
    /** @type {number[]} */ [source, target],
    /** @type {typeof out} */ displaced,
  ) => {
    if (!joints[source] || joints[target]) return;
    let spot = /** @type {Spot} */ (displaced(joints[source].spot, edge));
    for (let i = 0; i < 2; i++) spot = at(...cell(spot), target);
    joints[target] = { spot, score: score(...cell(spot), target) };
  };
  for (let edge = EDGES.length - 1; edge >= 0; edge--) walk(edge, EDGES[edge].toReversed(), back);
  for (let edge = 0; edge < EDGES.length; edge++) walk(edge, EDGES[edge], out);
  return joints;
}

/** @param {Joint[]} joints @param {number} score */
const posed = (joints, score) => ({
  score,
  keypoints: joints.map(({ spot: [y, x], score }) => ({ x, y, score })),
});
