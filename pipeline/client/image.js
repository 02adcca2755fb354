/** Images on their way to where the model runs. */
import { ModelError } from './errors.js';

/**
 * Decoded as Pillow does for the pipeline (pipeline/samples/images.py): upright by its EXIF
 * orientation, in its own colours, whatever profile it embeds.
 * @type {ImageBitmapOptions}
 */
const AS_STORED = {
  colorSpaceConversion: 'none',
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
};

/** @param {any} image */
export const bitmapOf = async (image) => {
  try {
    await image.decode?.();
    return await createImageBitmap(image, AS_STORED);
  } catch (error) {
    throw new ModelError('input', `this is no image that can be read: ${error}`);
  }
};

/**
 * Files are decoded and ImageData is read where the model runs; all else goes as a bitmap of its own.
 * @param {import('./index.js').ImageInput} image
 * @returns {Promise<[ImageData | Blob | ImageBitmap, Transferable[]]>} and what of it is given away
 */
export const portable = async (image) => {
  if (image instanceof Blob || image instanceof ImageData) return [image, []];
  const bitmap = await bitmapOf(image);
  return [bitmap, [bitmap]];
};
