/**
 * What happens to a decoded image before a model sees it: the twin of preprocess.py, which
 * says what each step is. All arithmetic is float32, as there.
 */

/**
 * @typedef {Object} Pixels
 * @property {number} width of the image
 * @property {number} height
 * @property {Uint8ClampedArray | Uint8Array} data RGBA: all of it; or where `gathered`, of each row and
 *   column of the result the two that it lies between, side by side
 * @property {boolean} [gathered]
 *
 * @typedef {{size: [number, number] | null, color: "rgb" | "grey", scale: [number, number]}} ImageOptions
 */

const { fround } = Math;
const LUMA = [0.299, 0.587, 0.114].map(fround);

/**
 * @param {Pixels} pixels
 * @param {ImageOptions} options
 * @returns {{shape: number[], data: Float32Array}} [1, height, width, 3 or 1]
 */
export function preprocess(
  { width: before, height: above, data: from, gathered },
  { size, color, scale: [least, most] },
) {
  const [height, width] = size ?? [above, before];
  const [channels, value] = color === "rgb" ? [3, opaque] : [1, grey];
  const [down, across] = [axis(above, height, gathered), axis(before, width, gathered)];
  const stride = gathered ? 2 * width : before;
  const [factor, offset] = [fround((most - least) / 255), fround(least)];
  const data = new Float32Array(height * width * channels);
  for (let y = 0, i = 0; y < height; y++) {
    const [top, bottom, lower] = [down.low[y] * stride, down.high[y] * stride, down.part[y]];
    for (let x = 0; x < width; x++) {
      const left = across.low[x];
      const right = across.high[x];
      for (let c = 0; c < channels; c++) {
        const near = mix(value(from, top + left, c), value(from, bottom + left, c), lower);
        const far = mix(value(from, top + right, c), value(from, bottom + right, c), lower);
        // A Float32Array rounds what it is given.
        data[i++] = fround(mix(near, far, across.part[x]) * factor) + offset;
      }
    }
  }
  return { shape: [1, height, width, channels], data };
}

/**
 * Which two of `before` pixels each of `after` lies between, and how far from the first.
 * @param {number} before
 * @param {number} after
 * @param {boolean} [gathered] whether those two are what is there
 */
export function axis(before, after, gathered) {
  const step = fround(before / after);
  const [low, high, part] = [new Int32Array(after), new Int32Array(after), new Float32Array(after)];
  for (let i = 0; i < after; i++) {
    const x = fround(fround((i + 0.5) * step) - 0.5);
    const floor = Math.floor(x);
    low[i] = Math.max(floor, 0);
    high[i] = Math.min(Math.ceil(x), before - 1);
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
 * A colour on white, 0 to 255.
 * @param {Pixels['data']} data
 * @param {number} at which pixel
 * @param {number} c which colour
 */
const opaque = (data, at, c) => {
  const colour = data[at * 4 + c];
  const level = data[at * 4 + 3];
  if (level === 255) return colour;
  const alpha = fround(level / 255);
  return fround(fround(colour * alpha) + fround(255 * fround(1 - alpha)));
};

/**
 * @param {Pixels['data']} data
 * @param {number} at
 */
const grey = (data, at) => {
  const [r, g, b] = LUMA;
  const sum = fround(fround(opaque(data, at, 0) * r) + fround(opaque(data, at, 1) * g));
  return fround(sum + fround(opaque(data, at, 2) * b));
};
