/** Images on their way to where the model runs. */
import { failure } from './failure.js';

/** @typedef {HTMLImageElement | SVGImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | ImageData | VideoFrame | Blob} ClassifiableImage */

/**
 * Decoded as Pillow does for the pipeline (pipeline/samples/images.py): upright by its EXIF
 * orientation, in its own colours, whatever profile it embeds.
 * @type {ImageBitmapOptions}
 */
export const AS_STORED = {
  colorSpaceConversion: 'none',
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
};

/**
 * Files are decoded and ImageData is read where the model runs; all else goes as a bitmap of its own.
 * @param {any} image a ClassifiableImage
 * @returns {Promise<[ImageData | Blob | ImageBitmap, Transferable[]]>} and what of it is given away
 */
export async function portable(image) {
  if (image instanceof Blob || image instanceof ImageData) return [image, []];
  try {
    await image.decode?.();
    const bitmap = await createImageBitmap(image, AS_STORED);
    return [bitmap, [bitmap]];
  } catch (error) {
    throw failure('input', `not an image that can be read: ${error}`);
  }
}
