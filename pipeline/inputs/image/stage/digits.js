/** Handwritten digits: real ones to pick, and drawn or photographed ones made to look like them. */

import data from "./digits.json" with { type: "json" };
import { findInk } from "./ink.js";
import { draw } from "./pad.js";

/**
 * @typedef {{ label: string, pixels: ImageData }} Sample
 * @typedef {import("../stage.js").View} View
 */

const NO_DRAWING =
  "No drawing stands out in this picture, and digits are all that this model learnt.";
const UNLIKE = "This is unlike the handwritten digits that the model learnt.";

/** Pixels of the bitmap by which a drawing may lie beside where it is typical: a straight line
 * fills one column of blocks, or half of two. */
const SHIFTS = [0, -2, -1, 1, 2];

/** What a data set is, by default digits.json, which tools/demo_samples.py writes. */
export class Digits {
  #description;
  #look;
  #typical;
  #farthest;

  constructor({ description, credit, labels, pixels, look, like } = data) {
    this.credit = credit;
    this.hint = "Draw a digit here";
    this.#description = description;
    this.#look = look;
    const images = this.#images(pixels);
    /** @type {Sample[]} */
    this.samples = labels.map((/** @type {string} */ label, /** @type {number} */ i) => ({
      label,
      pixels: this.#grey(images[i]),
    }));
    this.#typical = this.#images(like.pixels);
    this.#farthest = like.squared_distance;
  }

  /** Whether a release was proved on this data set, and so reads its digits. @param {any} manifest */
  suits({ samples }) {
    return samples?.description === this.#description;
  }

  /**
   * A drawing as the data set would hold it: scaled to the bitmap's height, centred, and its ink
   * counted in blocks. The pen keeps its width, however large the drawing is.
   * @param {import("./pad.js").Stroke[]} strokes
   * @param {number} [pen] its width in pixels of the bitmap
   * @returns {View}
   */
  drawn(strokes, pen = this.#look.pen) {
    const [values, ...moved] = SHIFTS.map((shift) => this.#rendered(strokes, pen, shift));
    const doubt = [values, ...moved].every((image) => this.#isUnlike(image));
    return { given: this.#grey(values), ...(doubt && { doubt: UNLIKE }) };
  }

  /**
   * @param {import("./pad.js").Stroke[]} strokes
   * @param {number} pen
   * @param {number} shift to the right, in pixels of the bitmap
   */
  #rendered(strokes, pen, shift) {
    const size = this.#look.side * this.#look.block;
    const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const context = /** @type {CanvasRenderingContext2D} */ (
      canvas.getContext("2d", { willReadFrequently: true })
    );
    context.strokeStyle = "#fff";
    context.translate(shift, 0);
    draw(context, strokes, pen, placement(strokes.flat(), size, pen));
    return this.#blocks(context.getImageData(0, 0, size, size));
  }

  /**
   * A picture as if what is drawn in it had been drawn here, dark on light or light on dark.
   * @param {ImageData | HTMLCanvasElement} picture
   * @returns {View} the picture as it is, where no drawing stands out in it
   */
  photographed(picture) {
    const found = findInk(picture);
    if (!found) return { given: picture, doubt: NO_DRAWING };
    const { dots, dot, width, height } = found;
    const { side, block, pen } = this.#look;
    const scale = (side * block) / height;
    // Each dot is a pixel of ink; a pen that is thinner than the data set's is made as thick.
    const thicker = Math.max(0, pen - width * scale);
    return this.drawn(
      [...dots].map((point) => [point]),
      Math.min(dot * scale + thicker, pen),
    );
  }

  /** Bytes of images, one after the other. @param {string} encoded base64 @returns {Uint8Array[]} */
  #images(encoded) {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const size = this.#look.side ** 2;
    return Array.from({ length: bytes.length / size }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
  }

  /** @param {ArrayLike<number>} values from 0 (paper) to 255 (ink) */
  #grey(values) {
    const { side } = this.#look;
    const image = new ImageData(side, side);
    for (let i = 0; i < side * side; i++)
      image.data.set([values[i], values[i], values[i], 255], i * 4);
    return image;
  }

  /** Mean opacity of each block. @param {ImageData} bitmap @returns {Float32Array} */
  #blocks({ data, width }) {
    const { side, block } = this.#look;
    const means = new Float32Array(side * side);
    for (let i = 0; i < width * width; i++) {
      const [x, y] = [i % width, Math.floor(i / width)];
      means[Math.floor(y / block) * side + Math.floor(x / block)] += data[i * 4 + 3] / block ** 2;
    }
    return means;
  }

  /** Whether an image is farther from the typical ones than real digits are. @param {Float32Array} image */
  #isUnlike(image) {
    return this.#typical.every(
      (typical) =>
        typical.reduce((sum, value, i) => sum + (value - image[i]) ** 2, 0) > this.#farthest,
    );
  }
}

/**
 * Where points lie on the bitmap.
 * @param {import("./pad.js").Point[]} points
 * @param {number} size of the bitmap
 * @param {number} pen
 * @returns {(point: import("./pad.js").Point) => [number, number]}
 */
function placement(points, size, pen) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  // A dot stays one; a flat line is not blown up beyond what it would fill.
  const scale = (size - pen) / Math.max(bottom - top, (right - left) * 1.15, 0.05);
  return ({ x, y }) => [
    size / 2 + (x - (left + right) / 2) * scale,
    size / 2 + (y - (top + bottom) / 2) * scale,
  ];
}
