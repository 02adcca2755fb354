/**
 * What happens to a decoded image before a model sees it: the twin of pipeline/preprocess.py, which
 * says what each step is. All arithmetic is float32, as there.
 */

/** @typedef {{width: number, height: number, data: Uint8ClampedArray | Uint8Array}} Pixels RGBA */
/** @typedef {{resize: [number, number] | null, color: 'rgb' | 'grey', scale: [number, number]}} Preprocess */

const { fround } = Math;
const LUMA = [0.299, 0.587, 0.114].map(fround);

/**
 * @param {Pixels} pixels
 * @param {Preprocess} preprocess
 * @returns {{shape: number[], data: Float32Array}} [1, height, width, 3 or 1]
 */
export function preprocess(pixels, { resize, color, scale: [low, high] }) {
  const channels = color === 'rgb' ? 3 : 1;
  const [height, width] = resize ?? [pixels.height, pixels.width];
  const row = channels === 3 ? rgb : grey;
  const [down, across] = [axis(pixels.height, height), axis(pixels.width, width)];
  const data = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const line = between(row(pixels, down.low[y]), row(pixels, down.high[y]), down.part[y]);
    resample(line, across, channels, data.subarray(y * width * channels));
  }
  const [factor, offset] = [fround((high - low) / 255), fround(low)];
  // A Float32Array rounds what it is given.
  for (let i = 0; i < data.length; i++) data[i] = fround(data[i] * factor) + offset;
  return { shape: [1, height, width, channels], data };
}

/**
 * Which two of `before` pixels each of `after` lies between, and how far from the first.
 * @param {number} before
 * @param {number} after
 */
function axis(before, after) {
  const step = fround(before / after);
  const [low, high, part] = [new Int32Array(after), new Int32Array(after), new Float32Array(after)];
  for (let i = 0; i < after; i++) {
    const x = fround(fround((i + 0.5) * step) - 0.5);
    const floor = Math.floor(x);
    low[i] = Math.max(floor, 0);
    high[i] = Math.min(Math.ceil(x), before - 1);
    part[i] = x - floor;
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
 * @param {Float32Array} low
 * @param {Float32Array} high
 * @param {number} part
 */
const between = (low, high, part) => (part ? low.map((value, i) => mix(value, high[i], part)) : low);

/**
 * @param {Float32Array} line
 * @param {ReturnType<typeof axis>} to
 * @param {number} channels
 * @param {Float32Array} out
 */
function resample(line, { low, high, part }, channels, out) {
  for (let x = 0, i = 0; x < part.length; x++) {
    for (let c = 0; c < channels; c++, i++) {
      out[i] = mix(line[low[x] * channels + c], line[high[x] * channels + c], part[x]);
    }
  }
}

/**
 * One row, opaque on white, 0 to 255.
 * @param {Pixels} pixels
 * @param {number} y
 */
function rgb({ width, data }, y) {
  const line = new Float32Array(width * 3);
  for (let x = 0, from = y * width * 4; x < width; x++, from += 4) {
    const alpha = fround(data[from + 3] / 255);
    const white = fround(255 * fround(1 - alpha));
    for (let c = 0; c < 3; c++) line[x * 3 + c] = fround(data[from + c] * alpha) + white;
  }
  return line;
}

/**
 * @param {Pixels} pixels
 * @param {number} y
 */
function grey(pixels, y) {
  const coloured = rgb(pixels, y);
  return new Float32Array(pixels.width).map((_, x) => {
    const [r, g, b] = LUMA.map((weight, c) => fround(coloured[x * 3 + c] * weight));
    return fround(r + g) + b;
  });
}
