/**
 * The exact pixels of an image: what Pillow reads of the same PNG in pipeline/samples/images.py, in
 * its own colours, whatever profile it embeds (WebKit converts them all the same). It is turned
 * upright by the EXIF orientation where the browser reads that: of JPEG all do, of PNG all but
 * WebKit, of WebP none.
 *
 * Opaque images come back bit by bit. A 2D canvas multiplies colours by alpha, which loses bits: an
 * image with alpha is read through WebGL, which does not. Where there is no WebGL, and in WebKit,
 * which multiplies when it decodes, a colour is off by 1.5 of 255 levels at most once it is on
 * white. JPEG and WebP decoders differ among themselves by a few levels.
 */
import { bitmapOf } from '../image.js';

/** @typedef {import('./preprocess.js').Pixels} Pixels */

/**
 * @param {ImageData | ImageBitmap | Blob} image a bitmap is closed
 * @returns {Promise<Pixels>}
 */
export async function pixelsOf(image) {
  if ('data' in image) return /** @type {Pixels} */ (image);
  const bitmap = image instanceof Blob ? await bitmapOf(image) : image;
  try {
    const drawn = draw(bitmap);
    return opaque(drawn.data) ? drawn : (readThroughWebgl(bitmap) ?? drawn);
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap} bitmap */
function draw(bitmap) {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** @param {Uint8ClampedArray} data */
function opaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return false;
  return true;
}

/** @type {WebGLRenderingContext | null | undefined} browsers allow a few of them */
let shared;

/**
 * @param {ImageBitmap} bitmap
 * @returns {Pixels | null}
 */
function readThroughWebgl(bitmap) {
  const { width, height } = bitmap;
  if (!shared || shared.isContextLost()) shared = new OffscreenCanvas(1, 1).getContext('webgl');
  const gl = shared;
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null;
  const [texture, frame] = [gl.createTexture(), gl.createFramebuffer()];
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const data = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
  gl.deleteFramebuffer(frame);
  gl.deleteTexture(texture);
  return gl.getError() ? null : { width, height, data };
}
