/** Several boxes of one object become one: the twin of suppress.py. */

/**
 * @typedef {import("./decode.js").Candidates} Candidates
 * @typedef {import("./decode.js").Candidate} Candidate
 * @typedef {import("./options.js").Options} Options
 * @typedef {Candidate & { score: number, index: number }} Found
 */

const MOST_CANDIDATES = 2000;

/** @param {Candidates} candidates @param {Options} options @returns {Found[]} the surest first, as many as there are */
export function suppress(candidates, options) {
  const sure = sureOf(candidates, options);
  if (!options.nms) return sure;
  /** @type {Map<number, Found[]>} */
  const groups = new Map();
  for (const found of sure) {
    const group = options.nms.by_class ? found.index : 0;
    groups.set(group, [...(groups.get(group) ?? []), found]);
  }
  // Equally sure ones stand in the order of their classes, as Python's do.
  const merged = [...groups]
    .sort(([a], [b]) => a - b)
    .flatMap(([, group]) => merge(group, options));
  return merged.sort((a, b) => b.score - a.score);
}

/** @param {Candidates} candidates @param {Options} options @returns {Found[]} over the threshold, the surest first */
function sureOf({ count, classes, score, chosen, candidate }, { nms, threshold }) {
  const several = nms?.by_class && !chosen;
  const enough = (/** @type {number} */ value) =>
    nms?.compat ? value > threshold : value >= threshold;
  /** @type {{ row: number, score: number, index: number }[]} */
  const sure = [];
  for (let row = 0; row < count; row++) {
    let [best, index] = [Number.NEGATIVE_INFINITY, 0];
    for (let column = 0; column < classes; column++) {
      const value = score(row, column);
      if (several && enough(value)) sure.push({ row, score: value, index: column });
      if (value > best) [best, index] = [value, column];
    }
    if (!several && enough(best))
      sure.push({ row, score: best, index: chosen ? chosen(row) : index });
  }
  return sure
    .map((found) => ({ ...found, ...candidate(found.row) }))
    .filter(({ box }) => isBox(box))
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST_CANDIDATES);
}

/** @param {Candidate["box"]} box */
const isBox = (box) => box.every(Number.isFinite) && box[2] >= box[0] && box[3] >= box[1];

/** @param {Found[]} rest the surest first @param {Options} options @returns {Found[]} */
function merge(rest, { nms, threshold }) {
  const merged = [];
  while (rest.length) {
    const [first] = rest;
    const meets = rest.map((found) => {
      const shared = overlap(first.box, found.box);
      return found === first || (nms?.compat ? shared >= threshold : shared > (nms?.iou ?? 1));
    });
    const met = rest.filter((_, i) => meets[i]);
    merged.push(nms?.kind === "weighted" ? averaged(first, met) : first);
    rest = rest.filter((_, i) => !meets[i]);
  }
  return merged;
}

/** @param {Found} first @param {Found[]} met by it, itself among them @returns {Found} */
function averaged(first, met) {
  const total = met.reduce((sum, { score }) => sum + score, 0);
  if (!(total > 0)) return first;
  const mean = (/** @type {(found: Found) => number} */ value) =>
    met.reduce((sum, found) => sum + found.score * value(found), 0) / total;
  return {
    ...first,
    box: /** @type {Candidate["box"]} */ (first.box.map((_, i) => mean(({ box }) => box[i]))),
    points: first.points.map((_, i) => [
      mean(({ points }) => points[i][0]),
      mean(({ points }) => points[i][1]),
    ]),
  };
}

/**
 * Intersection over union; 0 where both have no area.
 * @param {Candidate["box"]} a
 * @param {Candidate["box"]} b
 */
export function overlap(a, b) {
  const across = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0);
  const down = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const shared = across * down;
  const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
  return union > 0 ? shared / union : 0;
}
