/** A crop by a rotated rectangle: the twin of region.py. */
import { borderOf, clamp, laidOut, toned, toneOf } from "./preprocess.js";

/**
 * A rectangle in an image, in pixels of it: its centre, its size, and how far it is turned,
 * clockwise as seen, in radians.
 * @typedef {{x: number, y: number, width: number, height: number, angle: number}} Region
 *
 * @typedef {import("./preprocess.js").ImageOptions} ImageOptions
 * @typedef {import("./preprocess.js").Pixels} Pixels
 */

/**
 * The region that becomes a model's input, which has another shape: as `fit` has it for a whole image.
 * What a border would fill is read from the image around.
 * @param {Region} region
 * @param {ImageOptions} options
 * @returns {Region}
 */
export function fitRegion(region, { size, fit = "stretch", ratio = 1 }) {
  if (!size || fit === "stretch") return region;
  const { width, height } = region;
  const scales = [size[1] / width, size[0] / height];
  const scale = /crop/.test(fit) ? Math.max(...scales) / ratio : Math.min(...scales);
  const fitted = { ...region, width: size[1] / scale, height: size[0] / scale };
  if (fit !== "pad") return fitted;
  // The region stays in the left upper corner.
  const middle = [1 - width / fitted.width / 2, 1 - height / fitted.height / 2];
  const [x, y] = fromRegion(/** @type {[number, number]} */ (middle), fitted);
  return { ...fitted, x, y };
}

/**
 * A point of the crop in pixels of the image.
 * @param {[number, number]} point x and y, from 0 to 1 over the crop
 * @param {Region} region
 * @returns {[number, number]}
 */
export function fromRegion([across, down], { x, y, width, height, angle }) {
  const [right, below] = [(across - 0.5) * width, (down - 0.5) * height];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [x + right * cos - below * sin, y + right * sin + below * cos];
}

/**
 * The way back.
 * @param {[number, number]} point in pixels of the image
 * @param {Region} region
 * @returns {[number, number]}
 */
export function toRegion([across, down], { x, y, width, height, angle }) {
  const [right, below] = [across - x, down - y];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [(right * cos + below * sin) / width + 0.5, (below * cos - right * sin) / height + 0.5];
}

/**
 * How the image lies in the crop, for the task.
 * @param {Region} region
 * @param {[number, number]} size that the crop is brought to: height and width
 * @param {[number, number]} image its height and width
 * @returns {import("./fit.js").Origin}
 */
export function originOfRegion({ x, y, width, height, angle }, size, image) {
  /** @type {[number, number]} */
  const scale = [size[0] / height, size[1] / width];
  return {
    size: image,
    scale,
    pad: [(height / 2 - y) * scale[0], (width / 2 - x) * scale[1]],
    input: size,
    turn: [x, y, angle],
  };
}

/**
 * @param {Region} region
 * @param {ImageOptions} options
 * @returns {[number, number]} what it is brought to, height and width: a model of any size reads a pixel for a pixel
 */
export const sizeOf = ({ width, height }, { size }) =>
  size ?? [Math.round(height), Math.round(width)];

/**
 * What is in a region, as the model reads it.
 * @param {Pixels} pixels of the whole image, or of the rows that the region needs
 * @param {Region} region
 * @param {ImageOptions} options
 * @param {(number | null)[]} [shape] of the model's input
 */
export function preprocessRegion(pixels, region, options, shape = []) {
  const size = sizeOf(region, options);
  const tone = toneOf(options);
  const channels = tone.factors.length;
  const values = new Float32Array(size[0] * size[1] * channels);
  const read = reader(pixels, options.border, tone.value);
  for (let y = 0, i = 0; y < size[0]; y++) {
    for (let x = 0; x < size[1]; x++) {
      const [across, down] = fromRegion([(x + 0.5) / size[1], (y + 0.5) / size[0]], region);
      for (let c = 0; c < channels; c++) {
        values[i++] = toned(blended(read, across - 0.5, down - 0.5, c), c, tone);
      }
    }
  }
  return laidOut(values, size, options, shape);
}

/**
 * @param {(x: number, y: number, c: number) => number} read
 * @param {number} x
 * @param {number} y
 * @param {number} c
 */
function blended(read, x, y, c) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  let total = 0;
  for (const right of [0, 1]) {
    for (const below of [0, 1]) {
      const weight = Math.abs(1 - right - (x - left)) * Math.abs(1 - below - (y - top));
      total += read(left + right, top + below, c) * weight;
    }
  }
  return total;
}

/**
 * @param {Pixels} pixels
 * @param {ImageOptions["border"]} border
 * @param {import("./colour.js").Reader} value
 */
function reader({ data, width, height, top = 0 }, border, value) {
  const beyond = borderOf(border);
  return (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ c) => {
    const [column, row] = [clamp(x, width - 1), clamp(y, height - 1)];
    const outside = border !== "replicate" && (column !== x || row !== y);
    return outside ? value(beyond, 0, c) : value(data, (row - top) * width + column, c);
  };
}
