/** What is drawn in a picture: looked for in all of it, then close to, as a line with a pen's width. */

import { inkOf } from "./tones.js";

/** @typedef {import("./pad.js").Point} Point */

/** The longer side of what is searched, in pixels. */
const SIDE = 112;
/** Share of all variance that lies between ink and paper, below which there are not two tones: a
 * normal distribution has 2/π = 0.64 of it, an even one 0.75. */
const TWO_TONES = 0.77;
/** Grey levels between ink and paper, below which it is noise. */
const CONTRAST = 28;
/** Ink that covers more of a picture is no line. */
const MOST = 0.5;
/** A pen that is thicker than this share of what it drew drew no line: it is a blot, or a head. */
const THICKEST = 0.28;
/** Room around a drawing, in shares of its longer side, in which it is looked at closely. */
const MARGIN = 0.2;

/** @typedef {{ x: number, y: number, width: number, height: number }} Box in pixels */

/**
 * @param {ImageData | HTMLCanvasElement} picture
 * @returns {{ dots: Point[], dot: number, width: number, height: number } | null} pixels of ink, the
 *   width of one of them, that of the pen, and the drawing's height, in one unit; null where no
 *   drawing stands out
 */
export function findInk(picture) {
  const canvas = picture instanceof ImageData ? canvasOf(picture) : picture;
  // A drawing may be a small part of a picture with shadows; close to, there are two tones.
  const rough = search(canvas, { x: 0, y: 0, width: canvas.width, height: canvas.height }, 1 / 4);
  const close = rough && search(canvas, around(rough.box, canvas), 1);
  if (!close || close.between < TWO_TONES || close.contrast < CONTRAST || close.share > MOST)
    return null;
  const drawing = measured(close);
  return drawing.width < THICKEST * drawing.height ? drawing : null;
}

/** @param {ImageData} image */
function canvasOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Box} box of it
 * @param {number} reach how much around it a pixel is compared with, as a share of the longer side
 */
function search(canvas, box, reach) {
  const scale = SIDE / Math.max(box.width, box.height);
  const { data, width, height } = part(canvas, box, scale);
  const { pixels, ...tones } = inkOf(data, width, height, Math.ceil(reach * SIDE));
  if (!pixels.length) return null;
  const [xs, ys] = [pixels.map((one) => one % width), pixels.map((one) => Math.floor(one / width))];
  const [left, top] = [least(xs), least(ys)];
  const within = {
    x: box.x + left / scale,
    y: box.y + top / scale,
    width: (-least(xs.map((x) => -x)) - left + 1) / scale,
    height: (-least(ys.map((y) => -y)) - top + 1) / scale,
  };
  return { box: within, pixels, width, scale, ...tones };
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b));

/** A box with some room around it. @param {Box} box @param {HTMLCanvasElement} canvas @returns {Box} */
function around({ x, y, width, height }, canvas) {
  const margin = MARGIN * Math.max(width, height);
  const [left, top] = [Math.max(0, x - margin), Math.max(0, y - margin)];
  return {
    x: left,
    y: top,
    width: Math.min(canvas.width, x + width + margin) - left,
    height: Math.min(canvas.height, y + height + margin) - top,
  };
}

/** @param {HTMLCanvasElement} canvas @param {Box} box of it @param {number} scale */
function part(canvas, { x, y, width, height }, scale) {
  const small = document.createElement("canvas");
  small.width = Math.max(1, Math.round(width * scale));
  small.height = Math.max(1, Math.round(height * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (
    small.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, x, y, width, height, 0, 0, small.width, small.height);
  return context.getImageData(0, 0, small.width, small.height);
}

/** @param {{ pixels: number[], ink: Uint8Array, width: number, scale: number, box: Box }} found */
function measured({ pixels, ink, width, scale, box }) {
  // A line's edge is twice as long as the line, and its area is length times width.
  const edge = pixels.reduce(
    (sum, pixel) =>
      sum + [pixel - 1, pixel + 1, pixel - width, pixel + width].filter((one) => !ink[one]).length,
    0,
  );
  return {
    dots: pixels.map((pixel) => ({
      x: (pixel % width) / SIDE,
      y: Math.floor(pixel / width) / SIDE,
    })),
    dot: 1 / SIDE,
    width: (2 * pixels.length) / edge / SIDE,
    height: (box.height * scale) / SIDE,
  };
}
