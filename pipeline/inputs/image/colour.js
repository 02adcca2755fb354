/** What pixels of an image are once they are on white: the twin of preprocess.py's first two steps. */

/**
 * @typedef {(data: ArrayLike<number>, at: number, c: number) => number} Reader
 *   of RGBA: which pixel, and which of the channels that a model reads; 0 to 255
 */

const { fround } = Math;
const [R, G, B] = [0.299, 0.587, 0.114].map(fround);

/**
 * @param {ArrayLike<number>} data
 * @param {number} at
 * @param {number} c
 */
const rgb = (data, at, c) => {
  const colour = data[at * 4 + c];
  const level = data[at * 4 + 3];
  if (level === 255) return colour;
  const alpha = fround(level / 255);
  return fround(fround(colour * alpha) + fround(255 * fround(1 - alpha)));
};

/** @type {Reader} */
const bgr = (data, at, c) => rgb(data, at, 2 - c);

/** @type {Reader} */
const grey = (data, at) => {
  const sum = fround(fround(rgb(data, at, 0) * R) + fround(rgb(data, at, 1) * G));
  return fround(sum + fround(rgb(data, at, 2) * B));
};

/** @type {Record<string, Reader>} */
export const READERS = { rgb, bgr, grey };
