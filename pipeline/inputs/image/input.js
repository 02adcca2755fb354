/** A picture of the page's becomes the tensor that a model takes: the twin of preprocess.py and of the cast. */
import { pictureAt } from "./address.js";
import { cropOf } from "./asked.js";
import { originIn } from "./fit.js";
import { even } from "./numbers.js";
import { gather, pixelsOf } from "./pixels.js";
import { placed, preprocess } from "./preprocess.js";
import { originOfRegion, preprocessRegion, sizeOf } from "./region.js";

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
 * @param {ImageData | ImageBitmap | Blob | string | import("./pixels.js").Held} image or its URL
 * @param {any} manifest
 * @param {any} [_assets]
 * @param {import("./asked.js").Asked & {base?: string}} [asked] for a part of it, in which alone the model is to
 *   look; `base`: what its URL is relative to
 * @param {AbortSignal} [signal]
 * @returns {Promise<Record<string, Tensor>>}
 */
export async function inputOf(
  image,
  { inputs: [{ name, dtype, shape: wanted }], input: { image: how } },
  _assets,
  asked,
  signal,
) {
  const picture = typeof image === "string" ? await pictureAt(image, asked?.base, signal) : image;
  const pixels = await pixelsOf(picture, how, asked);
  const { height, width } = pixels;
  const region = cropOf(asked, how, height, width);
  const { shape, data } = region
    ? preprocessRegion(pixels, region, how, wanted)
    : preprocess(pixels, how, wanted);
  const origin = region
    ? originOfRegion(region, sizeOf(region, how), [height, width])
    : originIn(placed(how, height, width), height, width, how);
  return { [name]: { dtype, shape, data: cast(data, dtype), origin } };
}

export { pictureAt };

/** Options of methods that `inputOf` heeds, but for `base`. */
export const takes = ["region", "rotation"];

/**
 * What a page may hand over in place of a large image: far less, and all the same to `inputOf`.
 * @param {ImageBitmap} bitmap is closed
 * @param {any} manifest
 * @param {import("./asked.js").Asked} [asked] as `inputOf` is
 */
export const bounded = (bitmap, { input: { image } }, asked) => gather(bitmap, image, asked);

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
