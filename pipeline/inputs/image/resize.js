/**
 * Ways to resize by a weighted sum of pixels: the twin of resize.py, which says whose they are. The
 * operations and their order are the same, so that the results are.
 */
import { even } from "./numbers.js";
import { toned } from "./preprocess.js";

/**
 * @typedef {import("./fit.js").Span} Span
 * @typedef {import("./preprocess.js").Tone} Tone
 * @typedef {import("./preprocess.js").Pixels} Pixels
 *
 * What each pixel of a result is a weighted sum of, `reach` each.
 * @typedef {{index: Int32Array, weight: Float64Array, reach: number, eight: boolean}} Taps
 */

const { fround } = Math;
/** Steps of TensorFlow's table of weights. */
const TABLE = 1024;
/** 2 to the bits of Pillow's weights behind the point. */
const POINT = 2 ** 22;

/**
 * @param {Pixels} pixels all of them
 * @param {Tone} tone
 * @param {Span} down
 * @param {Span} across
 * @param {string} name
 * @returns {Float32Array} [down.count, across.count, channels]
 */
export function sampled({ data, width }, tone, down, across, name) {
  const channels = tone.factors.length;
  const [columns, rows] = [taps(name, across), taps(name, down)];
  // Of the rows that are needed, each is made narrow first.
  const [top, bottom] = [rows.index[0], rows.index.reduce((a, b) => Math.max(a, b))];
  const line = new Float32Array(across.before * channels);
  const length = across.count * channels;
  const narrow = new Float32Array((bottom - top + 1) * length);
  for (let y = top; y <= bottom; y++) {
    const start = (down.start + y) * width + across.start;
    for (let i = 0; i < line.length; i++) {
      const level = tone.value(data, start + Math.floor(i / channels), i % channels);
      line[i] = columns.eight ? even(level) : level;
    }
    for (let i = 0; i < length; i++) {
      narrow[(y - top) * length + i] = sum(
        line,
        i % channels,
        channels,
        columns,
        Math.floor(i / channels),
      );
    }
  }
  const made = new Float32Array(down.count * length);
  for (let i = 0; i < made.length; i++) {
    const at = (i % length) - top * length;
    made[i] = toned(sum(narrow, at, length, rows, Math.floor(i / length)), i % channels, tone);
  }
  return made;
}

/**
 * @param {Float32Array} values
 * @param {number} start
 * @param {number} stride
 * @param {Taps} taps
 * @param {number} i which pixel of the result
 */
function sum(values, start, stride, { index, weight, reach, eight }, i) {
  let total = eight ? POINT / 2 : 0;
  for (let k = i * reach; k < (i + 1) * reach; k++) {
    const part = values[start + index[k] * stride] * weight[k];
    total = eight ? total + part : fround(total + fround(part));
  }
  return eight ? Math.max(0, Math.min(255, Math.floor(total / POINT))) : total;
}

/**
 * @param {string} name
 * @param {Span} span
 * @returns {Taps}
 */
export function taps(name, span) {
  const [kernel, kind] = name.split("-");
  const wide = kind === "antialias" || kind === "pillow";
  const make = wide ? antialiased(kernel, span) : kind === "torch" ? torch(span) : tensorflow(span);
  const made = Array.from({ length: span.count }, (_, i) => make(i + span.first));
  const reach = Math.max(...made.map(({ weights }) => weights.length));
  const eight = kind === "pillow";
  const index = new Int32Array(span.count * reach);
  const weight = new Float64Array(span.count * reach);
  for (const [i, { low, weights, free }] of made.entries()) {
    const total = free ? 1 : weights.reduce((a, b) => a + b, 0);
    for (let k = 0; k < reach; k++) {
      const share = (weights[k] ?? 0) / total;
      index[i * reach + k] = Math.max(0, Math.min(span.before - 1, low + k));
      weight[i * reach + k] = eight ? fixed(share) : fround(share);
    }
  }
  return { index, weight, reach, eight };
}

/**
 * As C casts: halves away from zero.
 * @param {number} weight
 */
const fixed = (weight) => Math.trunc(weight * POINT + (weight < 0 ? -0.5 : 0.5));

/**
 * @typedef {{low: number, weights: number[], free?: boolean}} Weights
 *   from which pixel on, and whether they are taken as they are and not made to sum to 1
 *
 * @param {string} kernel
 * @param {Span} span
 * @returns {(i: number) => Weights}
 */
function antialiased(kernel, { before, after }) {
  const scale = before / after;
  const wide = Math.max(scale, 1);
  const reach = (kernel === "bilinear" ? 1 : 2) * wide;
  const weigh =
    kernel === "bilinear"
      ? (/** @type {number} */ distance) => Math.max(1 - distance, 0)
      : (/** @type {number} */ distance) => cubic(distance, -0.5);
  return (i) => {
    const centre = (i + 0.5) * scale;
    const low = Math.max(Math.floor(centre - reach + 0.5), 0);
    const high = Math.min(Math.floor(centre + reach + 0.5), before);
    const weights = [];
    for (let at = low; at < high; at++) {
      weights.push(weigh(Math.abs((at - centre + 0.5) * (1 / wide))));
    }
    return { low, weights };
  };
}

/**
 * @param {Span} span
 * @returns {(i: number) => Weights}
 */
const tensorflow = ({ before, after }) => {
  const step = fround(before / after);
  return (i) => {
    const x = fround(fround((i + 0.5) * step) - 0.5);
    const floor = Math.floor(x);
    const part = even(fround(fround(x - floor) * TABLE)) / TABLE;
    const weights = four(part, -0.5);
    const low = floor - 1;
    return { low, weights: weights.map((w, k) => (low + k < 0 || low + k >= before ? 0 : w)) };
  };
};

/**
 * @param {Span} span
 * @returns {(i: number) => Weights}
 */
const torch =
  ({ before, after }) =>
  (i) => {
    const x = (i + 0.5) * (before / after) - 0.5;
    const floor = Math.floor(x);
    return { low: floor - 1, weights: four(x - floor, -0.75), free: true };
  };

/**
 * @param {number} part
 * @param {number} a
 */
const four = (part, a) => [part + 1, part, 1 - part, 2 - part].map((x) => cubic(x, a));

/**
 * Keys, Cubic convolution interpolation for digital image processing, 1981.
 * @param {number} x
 * @param {number} a
 */
function cubic(x, a) {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
