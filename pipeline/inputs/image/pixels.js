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
 *
 * Of an image that is much larger than what it becomes only those pixels are read that decide it: two
 * rows and two columns for each of the result. So memory is bounded; and some browsers make no canvas
 * that is as large as a photo.
 */
import { bitmapOf } from "../../client/image.js";
import { cropOf } from "./asked.js";
import { axis, clamp, placed } from "./preprocess.js";

/** @typedef {import("./preprocess.js").Pixels} Pixels */
/** @typedef {import("./preprocess.js").ImageOptions} ImageOptions */
/** @typedef {import("./region.js").Region} Region */
/** @typedef {import("./asked.js").Asked} Asked */
/** @typedef {{held: ImageBitmap}} Held an image that is read several times; whoever holds it closes it */

/**
 * @param {Pixels | ImageBitmap | Blob | Held} image a bitmap is closed
 * @param {ImageOptions} options
 * @param {Asked} [asked] for a part, in which alone pixels are needed
 * @returns {Promise<Pixels>}
 */
export const pixelsOf = async (image, options, asked) => {
  /** @type {any} which may be anything; of what is no image decoding says so */
  const given = image ?? {};
  if (given.data) return given;
  const bitmap = given.held ?? (given.close ? given : await bitmapOf(image));
  return gather(bitmap, options, asked, given.held);
};

/**
 * @param {ImageBitmap} bitmap is closed, but where it is held
 * @param {ImageOptions} options
 * @param {Asked} [asked] for a part of it
 * @param {ImageBitmap} [held]
 * @returns {Pixels} those that decide what it becomes
 */
export function gather(bitmap, options, asked, held) {
  try {
    const region = cropOf(asked, options, bitmap.height, bitmap.width);
    return region ? rowsOf(bitmap, region) : read(bitmap, options);
  } finally {
    held ?? bitmap.close();
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {ImageOptions} options
 * @returns {Pixels}
 */
function read(bitmap, options) {
  const { width, height } = bitmap;
  // Else most of them do, and all are read.
  const [down, across] = placed(options, height, width);
  const sparse = (options.resize ?? "bilinear") === "bilinear";
  const gathered = sparse && down.before > 2 * down.after && across.before > 2 * across.after;
  const [rows, span] = gathered ? [[...axis(down).low], 2] : [[0], height];
  const data = exact((how) => {
    const all = how(bitmap, rows, span);
    return all && gathered ? picked(all, width, axis(across).low) : all;
  });
  return { width, height, gathered, data };
}

/**
 * Those that a region needs, and no more rows: what lies in it, and next to it.
 * @param {ImageBitmap} bitmap
 * @param {Region} region
 * @returns {Pixels}
 */
function rowsOf(bitmap, { y, width, height, angle }) {
  const reach = (Math.abs(width * Math.sin(angle)) + Math.abs(height * Math.cos(angle))) / 2 + 1;
  const row = (/** @type {number} */ at) => clamp(Math.floor(at), bitmap.height - 1);
  const [top, bottom] = [row(y - reach), row(y + reach)];
  const data = exact((how) => how(bitmap, [top], bottom - top + 1));
  return { width: bitmap.width, height: bitmap.height, top, data };
}

/**
 * @param {(how: typeof draw | typeof readThroughWebgl) => Pixels['data'] | null} get
 * @returns {Pixels['data']}
 */
function exact(get) {
  const drawn = /** @type {Pixels['data']} */ (get(draw));
  return opaque(drawn) ? drawn : (get(readThroughWebgl) ?? drawn);
}

/**
 * Of each row the columns that are named, and the one to the right of each.
 * @param {Pixels['data']} data
 * @param {number} width
 * @param {Int32Array} columns
 */
function picked(data, width, columns) {
  const all = new Uint32Array(data.buffer);
  const kept = new Uint32Array((all.length / width) * 2 * columns.length);
  for (let i = 0, start = 0; start < all.length; start += width) {
    for (const x of columns) {
      kept[i++] = all[start + x];
      kept[i++] = all[start + x + 1];
    }
  }
  return new Uint8Array(kept.buffer);
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number[]} rows of which each `span` are read
 * @param {number} span
 */
function draw(bitmap, rows, span) {
  const { width } = bitmap;
  const canvas = new OffscreenCanvas(width, rows.length * span);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  rows.map((y, i) => context.drawImage(bitmap, 0, y, width, span, 0, i * span, width, span));
  return context.getImageData(0, 0, width, canvas.height).data;
}

/** @param {Pixels['data']} data */
function opaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return false;
  return true;
}

/** @type {WebGLRenderingContext | null | undefined} browsers allow a few of them */
let shared;

/**
 * @param {ImageBitmap} bitmap
 * @param {number[]} rows
 * @param {number} span
 * @returns {Uint8Array | null} null where there is no WebGL for it
 */
function readThroughWebgl(bitmap, rows, span) {
  const { width, height } = bitmap;
  if (!shared || shared.isContextLost()) shared = new OffscreenCanvas(1, 1).getContext("webgl");
  const gl = shared;
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null;
  const [texture, frame] = [gl.createTexture(), gl.createFramebuffer()];
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const bytes = width * span * 4;
  const data = new Uint8Array(rows.length * bytes);
  rows.map((y, i) =>
    gl.readPixels(0, y, width, span, gl.RGBA, gl.UNSIGNED_BYTE, data.subarray(i * bytes)),
  );
  gl.deleteFramebuffer(frame);
  gl.deleteTexture(texture);
  return gl.getError() ? null : data;
}
