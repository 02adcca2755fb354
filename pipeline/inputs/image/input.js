/** A picture of the page's becomes the tensor that a model takes: the twin of preprocess.py and of the cast. */
import { originIn } from "./fit.js";
import { even } from "./numbers.js";
import { gather, pixelsOf } from "./pixels.js";
import { placed, preprocess } from "./preprocess.js";
import { originOfRegion, preprocessRegion } from "./region.js";

/** @typedef {{dtype: string, shape: number[], data: any, origin: import("./fit.js").Origin}} Tensor how the image lies in it, for the task */

/** Integer inputs: as `cast` of preprocess.py has it, rounded and clipped. */
const INTEGERS = {
  uint8: [Uint8Array, 0, 255],
  int8: [Int8Array, -128, 127],
  uint16: [Uint16Array, 0, 65535],
  int16: [Int16Array, -32768, 32767],
  int32: [Int32Array, -(2 ** 31), 2 ** 31 - 1],
};

/**
 * @param {ImageData | ImageBitmap | Blob | import("./pixels.js").Held} image
 * @param {any} manifest
 * @param {any} [_assets]
 * @param {import("./region.js").Region} [region] in which alone the model is to look
 * @returns {Promise<Record<string, Tensor>>}
 */
export async function inputOf(
  image,
  { inputs: [{ name, dtype, shape: wanted }], input: { image: how } },
  _assets,
  region,
) {
  // What a release does not need is left out of its bundle: esbuild is told (constants of INPUT).
  const part = /** @type {any} */ (globalThis).INPUT_REGIONS !== false ? region : undefined;
  const pixels = await pixelsOf(image, how, part);
  const { height, width } = pixels;
  const { shape, data } = part
    ? preprocessRegion(pixels, part, how, wanted)
    : preprocess(pixels, how, wanted);
  const origin = part
    ? originOfRegion(part, how.size ?? [height, width], [height, width])
    : originIn(placed(how, height, width), height, width, how);
  return { [name]: { dtype, shape, data: cast(data, dtype), origin } };
}

/**
 * What a page may hand over in place of a large image: far less, and all the same to `inputOf`.
 * @param {ImageBitmap} bitmap is closed
 * @param {any} manifest
 */
export const bounded = (bitmap, { input: { image } }) => gather(bitmap, image);

/**
 * @param {Float32Array} values
 * @param {string} dtype
 */
function cast(values, dtype) {
  const [Kind, low, high] = /** @type {any} */ (INTEGERS)[dtype] ?? [];
  return Kind
    ? Kind.from(values, (/** @type {number} */ v) => Math.max(low, Math.min(high, even(v))))
    : values;
}
