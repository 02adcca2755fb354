/** Which of a frame's answers are those of the frame before: each keeps its `id`. */

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{box?: Box, keypoints?: ({x: number, y: number} | null)[], label?: string, id?: number}} Answer
 */

const DEFAULTS = { overlap: 0.3, patience: 15 };

/**
 * Answers whose boxes overlap most are the same thing, if they are called the same: the pairs in the
 * order of their overlap, each thing once.
 *
 * @param {boolean | {overlap?: number, patience?: number}} options `overlap`: the least intersection
 *   over union; `patience`: frames for which a thing that is not seen keeps its place
 * @returns {<A extends Answer>(answers: A[]) => A[]} gives them with `id`, in their order
 */
export function tracked(options) {
  const { overlap, patience } = { ...DEFAULTS, .../** @type {any} */ (options) };
  /** @type {{id: number, box: Box, label?: string, missed: number}[]} */
  let things = [];
  let last = 0;

  return (answers) => {
    const boxes = answers.map(boxOf);
    const pairs = boxes
      .flatMap((box, index) =>
        things.map((thing) => ({ index, thing, share: box ? shareOf(box, thing.box) : 0 })),
      )
      .filter(({ index, thing, share }) => share >= overlap && thing.label === answers[index].label)
      .sort((a, b) => b.share - a.share);
    /** @type {Map<number, any>} */
    const seen = new Map();
    const taken = new Set();
    for (const { index, thing } of pairs) {
      if (seen.has(index) || taken.has(thing)) continue;
      seen.set(index, thing);
      taken.add(thing);
    }
    const missing = things.filter((thing) => !taken.has(thing) && ++thing.missed <= patience);
    const present = answers.map(({ label }, index) => ({
      id: seen.get(index)?.id ?? ++last,
      box: /** @type {Box} */ (boxes[index]),
      label,
      missed: 0,
    }));
    things = [...present.filter(({ box }) => box), ...missing];
    return answers.map((answer, index) => ({ ...answer, id: present[index].id }));
  };
}

/**
 * Of what has points alone, the box around them.
 * @param {Answer} answer
 * @returns {Box | undefined}
 */
export function boxOf({ box, keypoints }) {
  const points = (keypoints ?? []).filter((point) => point != null);
  if (box || !points.length) return box;
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [x, y] = [lowest(xs), lowest(ys)];
  return { x, y, width: highest(xs) - x, height: highest(ys) - y };
}

const lowest = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.min(a, b));
const highest = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.max(a, b));

/**
 * Intersection over union.
 * @param {Box} a
 * @param {Box} b
 */
function shareOf(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}
