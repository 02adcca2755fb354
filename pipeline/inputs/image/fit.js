/** Where an image comes to lie in a model's input, and the way back: the twin of fit.py. */

/**
 * Of one axis: `before` pixels of the image from `start` on become `after`, of which `count` from
 * `first` on stand in the input from `offset` on.
 * @typedef {{start: number, before: number, after: number, first: number, count: number, offset: number}} Span
 *
 * @typedef {Object} Origin
 * @property {[number, number]} size height and width of the image, in pixels
 * @property {[number, number]} scale pixels of the input for one of the image, down and across
 * @property {[number, number]} pad where the image's top and left edge lie in the input
 * @property {[number, number]} input height and width of the input, in pixels
 * @property {[number, number, number]} [turn] of a region that is turned: x, y and radians, clockwise as seen
 *
 * @typedef {import("./preprocess.js").ImageOptions} ImageOptions
 * @typedef {[number, number]} Pair of what is down and what is across
 */

/**
 * @param {ImageOptions} options
 * @param {number} height
 * @param {number} width
 * @returns {[Span, Span]} down and across
 */
export function spans({ size, fit, ratio = 1 }, height, width) {
  /** @type {Pair} */
  const before = [height, width];
  const wanted = size ?? before;
  const axis = HOW[fit ?? ""]?.(before, wanted, ratio, fit === "letterbox");
  const span = axis ?? ((/** @type {number} */ i) => stretched(before[i], wanted[i]));
  return [span(0), span(1)];
}

/**
 * @param {number} before
 * @param {number} after
 * @returns {Span}
 */
export const stretched = (before, after) => ({
  start: 0,
  before,
  after,
  first: 0,
  count: after,
  offset: 0,
});

/**
 * @param {Pair} before
 * @param {Pair} size
 * @param {number} _ratio
 * @param {boolean} centred
 * @returns {(i: number) => Span}
 */
function whole(before, size, _ratio, centred) {
  const ratio = Math.min(size[0] / before[0], size[1] / before[1]);
  return (i) => {
    const after = Math.min(Math.max(Math.floor(before[i] * ratio + 0.5), 1), size[i]);
    const offset = centred ? (size[i] - after) >> 1 : 0;
    return { ...stretched(before[i], after), offset };
  };
}

/**
 * @param {Pair} before
 * @param {Pair} size
 * @param {number} ratio
 * @returns {(i: number) => Span}
 */
function covering(before, size, ratio) {
  const wanted = size.map((side) => Math.floor(side / ratio));
  const most = wanted[0] * before[1] >= wanted[1] * before[0] ? 0 : 1;
  return (i) => {
    const after = Math.max(Math.floor((before[i] * wanted[most]) / before[most]), wanted[i]);
    const beyond = after - size[i];
    // Halves go to the even side, as Python's do.
    const first = (beyond >> 1) + (beyond % 4 === 3 ? 1 : 0);
    return { ...stretched(before[i], after), first, count: size[i] };
  };
}

/**
 * @param {Pair} before
 * @param {Pair} size
 * @param {number} ratio
 * @returns {(i: number) => Span}
 */
const cut = (before, size, ratio) => (i) => {
  const shaped = Math.floor((before[1 - i] * size[i]) / size[1 - i]);
  const kept = Math.max(Math.floor(Math.min(before[i], shaped) * ratio), 1);
  return { ...stretched(kept, size[i]), start: (before[i] - kept) >> 1 };
};

/** @type {Record<string, typeof whole>} */
const HOW = { letterbox: whole, pad: whole, crop: covering, "crop-first": cut };

/**
 * @param {ImageOptions} options
 * @param {number} height of the image
 * @param {number} width
 * @returns {Origin}
 */
export const originOf = (options, height, width) =>
  originIn(spans(options, height, width), height, width, options);

/**
 * The same of where it lies: down and across.
 * @param {Span[]} both
 * @param {number} height
 * @param {number} width
 * @param {ImageOptions} options
 * @returns {Origin}
 */
export function originIn(both, height, width, { size }) {
  const scale = /** @type {Pair} */ (both.map(({ after, before }) => after / before));
  const pad = /** @type {Pair} */ (
    both.map(({ offset, first, start }, i) => offset - first - start * scale[i])
  );
  return { size: [height, width], scale, pad, input: size ?? [height, width] };
}

/**
 * A point of an input in pixels of the image that it was made of; it may lie outside.
 * @param {[number, number]} point x and y, in pixels of the input
 * @param {Origin} origin
 * @returns {[number, number]}
 */
export function toImage([x, y], { scale, pad, turn }) {
  const [across, down] = [(x - pad[1]) / scale[1], (y - pad[0]) / scale[0]];
  if (!turn) return [across, down];
  const [right, below] = [across - turn[0], down - turn[1]];
  const [cos, sin] = [Math.cos(turn[2]), Math.sin(turn[2])];
  return [turn[0] + right * cos - below * sin, turn[1] + right * sin + below * cos];
}

/**
 * The same of a share of the input.
 * @param {[number, number]} point
 * @param {Origin} origin
 */
export const shareToImage = ([x, y], origin) =>
  toImage([x * origin.input[1], y * origin.input[0]], origin);
