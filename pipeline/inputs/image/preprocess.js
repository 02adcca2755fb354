/**
 * What happens to a decoded image before a model sees it: the twin of preprocess.py, which
 * says what each step is. All arithmetic is float32, as there.
 */
import { READERS } from "./colour.js";
import { spans, stretched } from "./fit.js";
import { sampled } from "./resize.js";

/**
 * @typedef {Object} Pixels
 * @property {number} width of the image
 * @property {number} height
 * @property {Uint8ClampedArray | Uint8Array} data RGBA: all of it; or where `gathered`, of each row and
 *   column of the result the two that it lies between, side by side
 * @property {boolean} [gathered]
 * @property {number} [top] the first row that `data` holds of it
 *
 * @typedef {Object} ImageOptions as options.py says; a manifest has all of them
 * @property {[number, number] | null} [size]
 * @property {"stretch" | "letterbox" | "pad" | "crop" | "crop-first"} [fit]
 * @property {number} [ratio]
 * @property {"zero" | "replicate" | [number, number, number]} [border]
 * @property {string} [resize]
 * @property {"rgb" | "bgr" | "grey"} color
 * @property {[number, number]} scale
 * @property {number[] | null} [mean]
 * @property {number[] | null} [std]
 * @property {"nhwc" | "nchw" | null} [layout]
 *
 * @typedef {import("./fit.js").Span} Span
 */

const { fround } = Math;

/**
 * @param {Pixels} pixels
 * @param {ImageOptions} options
 * @param {(number | null)[]} [shape] of the model's input: it tells where its channels are
 * @returns {{shape: number[], data: Float32Array}} [1, height, width, channels] or [1, channels, height, width]
 */
export function preprocess(pixels, options, shape = []) {
  const { size, resize = "bilinear" } = options;
  const { height, width } = pixels;
  const [down, across] = placed(options, height, width);
  const tone = toneOf(options);
  const values =
    /** @type {any} */ (globalThis).INPUT_KERNELS !== false && resize !== "bilinear"
      ? sampled(pixels, tone, down, across, resize)
      : between(pixels, tone, down, across);
  const whole =
    /** @type {any} */ (globalThis).INPUT_FITS !== false
      ? bordered(values, options, tone, down, across)
      : values;
  return laidOut(whole, size ?? [height, width], options, shape);
}

/**
 * @param {ImageOptions} options
 * @param {number} height of the image
 * @param {number} width
 */
export function placed(options, height, width) {
  // What a release does not need is left out of its bundle: esbuild is told (constants of INPUT).
  if (/** @type {any} */ (globalThis).INPUT_FITS !== false) return spans(options, height, width);
  const [below, right] = options.size ?? [height, width];
  return [stretched(height, below), stretched(width, right)];
}

/**
 * Bilinear, without antialiasing.
 * @param {Pixels} pixels
 * @param {Tone} tone
 * @param {Span} down
 * @param {Span} across
 * @returns {Float32Array} [down.count, across.count, channels]
 */
function between({ data, width, gathered }, { value, factors, offsets }, down, across) {
  const [rows, columns] = [axis(down, gathered), axis(across, gathered)];
  const colours = value === READERS.rgb;
  const stride = gathered ? 2 * across.count : width;
  const channels = factors.length;
  const made = new Float32Array(down.count * across.count * channels);
  for (let y = 0, i = 0; y < down.count; y++) {
    const [top, bottom, lower] = [rows.low[y] * stride, rows.high[y] * stride, rows.part[y]];
    for (let x = 0; x < across.count; x++) {
      const nw = top + columns.low[x];
      const sw = bottom + columns.low[x];
      const ne = top + columns.high[x];
      const se = bottom + columns.high[x];
      const part = columns.part[x];
      // Most images are opaque: then a colour is as it stands there.
      const solid =
        colours &&
        data[nw * 4 + 3] + data[sw * 4 + 3] + data[ne * 4 + 3] + data[se * 4 + 3] === 1020;
      for (let c = 0; c < channels; c++) {
        const near = solid
          ? mix(data[nw * 4 + c], data[sw * 4 + c], lower)
          : mix(value(data, nw, c), value(data, sw, c), lower);
        const far = solid
          ? mix(data[ne * 4 + c], data[se * 4 + c], lower)
          : mix(value(data, ne, c), value(data, se, c), lower);
        // A Float32Array rounds what it is given.
        made[i++] = fround(mix(near, far, part) * factors[c]) + offsets[c];
      }
    }
  }
  return made;
}

/**
 * Which two pixels each of the result lies between, and how far from the first.
 * @param {Span} span
 * @param {boolean} [gathered] whether those two are what is there
 */
export function axis({ start, before, after, first, count }, gathered) {
  const step = fround(before / after);
  const [low, high, part] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const x = fround(fround((first + i + 0.5) * step) - 0.5);
    const floor = Math.floor(x);
    low[i] = start + Math.max(floor, 0);
    high[i] = start + Math.min(Math.ceil(x), before - 1);
    part[i] = x - floor;
    if (gathered) {
      high[i] += 2 * i - low[i];
      low[i] = 2 * i;
    }
  }
  return { low, high, part };
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} part
 */
const mix = (low, high, part) => fround(low + fround(fround(high - low) * part));

/**
 * The image amid the border that fills the rest of the size.
 * @param {Float32Array} values
 * @param {ImageOptions} options
 * @param {Tone} tone
 * @param {Span} down
 * @param {Span} across
 */
function bordered(values, { size, border }, tone, down, across) {
  const [height, width] = size ?? [down.count, across.count];
  if (down.count === height && across.count === width) return values;
  const channels = tone.factors.length;
  const made = new Float32Array(height * width * channels);
  const beyond = borderOf(border);
  for (let i = 0; i < made.length; i++) {
    const c = i % channels;
    const at = Math.floor(i / channels);
    const [y, x] = [Math.floor(at / width) - down.offset, (at % width) - across.offset];
    const [row, column] = [clamp(y, down.count - 1), clamp(x, across.count - 1)];
    const outside = border !== "replicate" && (row !== y || column !== x);
    made[i] = outside
      ? toned(tone.value(beyond, 0, c), c, tone)
      : values[(row * across.count + column) * channels + c];
  }
  return made;
}

/**
 * The pixel that stands for those beyond the image, RGBA.
 * @param {ImageOptions["border"]} border
 */
export const borderOf = (border) => (Array.isArray(border) ? [...border, 255] : [0, 0, 0, 255]);

/**
 * @param {number} value
 * @param {number} most
 */
export const clamp = (value, most) => Math.max(0, Math.min(most, value));

/**
 * How pixels become numbers: by channel, the value of a pixel, a factor and an offset.
 * @param {ImageOptions} options
 */
export function toneOf({ color, scale: [low, high], mean, std }) {
  const channels = color === "grey" ? 1 : 3;
  const [factors, offsets] = [new Float32Array(channels), new Float32Array(channels)];
  for (let c = 0; c < channels; c++) {
    const deviation = of(std, c) ?? 1;
    factors[c] = (high - low) / 255 / deviation;
    offsets[c] = (low - (of(mean, c) ?? 0)) / deviation;
  }
  return { value: READERS[color], factors, offsets };
}

/** @typedef {ReturnType<typeof toneOf>} Tone */

/**
 * @param {number[] | null | undefined} values one, or one a channel
 * @param {number} c
 */
const of = (values, c) => values?.[values.length > 1 ? c : 0];

/**
 * The number that the model reads, where a Float32Array rounds it.
 * @param {number} level 0 to 255
 * @param {number} c
 * @param {Tone} tone
 */
export const toned = (level, c, { factors, offsets }) =>
  fround(fround(level) * factors[c]) + offsets[c];

/**
 * The channels where the model has them.
 * @param {Float32Array} values [height, width, channels]
 * @param {[number, number]} size
 * @param {ImageOptions} options
 * @param {(number | null)[]} shape of the model's input
 */
export function laidOut(values, [height, width], { layout }, shape) {
  const channels = values.length / (height * width);
  const first = layout ? layout === "nchw" : shape[1] === channels && shape[3] !== channels;
  if (!first) return { shape: [1, height, width, channels], data: values };
  const data = new Float32Array(values.length);
  for (const [i, value] of values.entries()) {
    data[(i % channels) * height * width + Math.floor(i / channels)] = value;
  }
  return { shape: [1, channels, height, width], data };
}
