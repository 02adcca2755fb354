/** Images on their way to where the model runs. */
import { ModelError } from "./errors.js";

/**
 * Decoded as Pillow does for the pipeline (pipeline/samples/images.py): upright by its EXIF
 * orientation, in its own colours, whatever profile it embeds.
 * @type {ImageBitmapOptions}
 */
const AS_STORED = {
  colorSpaceConversion: "none",
  imageOrientation: "from-image",
  premultiplyAlpha: "none",
};

/** Of pixels: what is larger is made small before it waits. One of this size is decoded within 50 ms. */
const LARGE = 2_097_152;

/** @param {any} image */
export const bitmapOf = async (image) => {
  try {
    await image.decode?.();
    // Of a canvas that is what it holds, and no copy.
    return await createImageBitmap(image, image.getContext ? {} : AS_STORED);
  } catch (error) {
    throw new ModelError("input", `this is no image that can be read: ${error}`);
  }
};

/** @param {any} image of an element that has not loaded nobody knows how large it is */
const large = ({ width, height, naturalWidth = width, naturalHeight = height }) =>
  !naturalWidth || naturalWidth * naturalHeight > LARGE;

/**
 * What is no picture of the page's goes as it is, a file too. ImageData is read where the model runs;
 * all other pictures go as a bitmap of their own.
 * @param {any} image
 * @param {import("./fetch.js").Release} release that is to read it
 * @param {any} options the method's
 * @returns {Promise<[any, Transferable[]?]>} and what of it is given away
 */
export const portable = async (image, release, options) => {
  if ((image?.width ?? image?.displayWidth) == null) return [image];
  const whole = image?.data || (image?.decode && large(image));
  // What may change meanwhile is copied now.
  const one = whole ? image : await bitmapOf(image);
  // Few pages have any.
  if (large(one)) return (await import("./large.js")).bounded(one, release, options);
  return [one, whole ? undefined : [one]];
};
