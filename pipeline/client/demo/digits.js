/** Handwritten digits: real ones to pick, and drawn ones made to look like those of the data set. */

import { draw } from "./pad.js";

/** @typedef {{ label: string, pixels: ImageData }} Sample */

/** Pixels on a side. The data set counts ink in blocks of 4 by 4 of a bitmap of 32 by 32. */
const SIDE = 8;
const BLOCK = 4;
const BITMAP = SIDE * BLOCK;
/** Of the pen on that bitmap, as the data set's writers had it. */
const PEN = 3.5;

/**
 * Whether a model reads digits as the bundled one does.
 * @param {{ labels: string[] | null }} manifest
 */
export const readsDigits = ({ labels }) => labels?.join() === "0,1,2,3,4,5,6,7,8,9";

/**
 * A grey image.
 * @param {ArrayLike<number>} values from 0 (paper) to 255 (ink), SIDE x SIDE of them
 */
function grey(values) {
  const image = new ImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++)
    image.data.set([values[i], values[i], values[i], 255], i * 4);
  return image;
}

/**
 * A drawing as the data set would hold it: scaled to the bitmap's height, centred, and its ink
 * counted in blocks. The pen keeps its width, however large the drawing is.
 * @param {import("./pad.js").Stroke[]} strokes
 * @returns {ImageData} 8 x 8
 */
export function digit(strokes) {
  const canvas = Object.assign(document.createElement("canvas"), { width: BITMAP, height: BITMAP });
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  draw(context, strokes, PEN, placement(strokes.flat()));
  return grey(blocks(context.getImageData(0, 0, BITMAP, BITMAP)));
}

/**
 * Where points lie on the bitmap.
 * @param {import("./pad.js").Point[]} points
 * @returns {(point: import("./pad.js").Point) => [number, number]}
 */
function placement(points) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [
    Math.min(...xs),
    Math.max(...xs),
    Math.min(...ys),
    Math.max(...ys),
  ];
  const room = BITMAP - PEN;
  // A dot stays one; a flat line is not blown up beyond what it would fill.
  const scale = room / Math.max(bottom - top, (right - left) * 1.15, 0.05);
  const middle = BITMAP / 2;
  return ({ x, y }) => [
    middle + (x - (left + right) / 2) * scale,
    middle + (y - (top + bottom) / 2) * scale,
  ];
}

/** Mean opacity of each block. @param {ImageData} bitmap @returns {Float32Array} */
function blocks({ data }) {
  const means = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < BITMAP; y++) {
    for (let x = 0; x < BITMAP; x++) {
      const block = Math.floor(y / BLOCK) * SIDE + Math.floor(x / BLOCK);
      means[block] += data[(y * BITMAP + x) * 4 + 3] / BLOCK ** 2;
    }
  }
  return means;
}

/**
 * Digits of the data set's test split, with where they come from.
 * @returns {Promise<{ samples: Sample[], credit: string }>}
 */
export async function readSamples() {
  const answer = await fetch(new URL("samples.json", import.meta.url));
  if (!answer.ok) throw new Error(`samples.json: HTTP ${answer.status}`);
  const { labels, pixels, credit } = await answer.json();
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const size = SIDE * SIDE;
  const samples = labels.map((/** @type {string} */ label, /** @type {number} */ i) => ({
    label,
    pixels: grey(bytes.subarray(i * size, (i + 1) * size)),
  }));
  return { samples, credit };
}
