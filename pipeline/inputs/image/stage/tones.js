/**
 * Ink on paper, whichever of both is darker, under uneven light.
 *
 * Each pixel is compared with the mean around it, which takes shadows away; Otsu's threshold (1979)
 * parts ink from paper; paper is what most of the border is. Of several pieces of ink those that the
 * border cuts, and specks, are left out.
 */

/** Pieces that are smaller than this share of the largest are specks. */
const SPECK = 0.05;

/**
 * @param {Uint8ClampedArray} data RGBA
 * @param {number} width
 * @param {number} height
 * @param {number} reach how much around it a pixel is compared with, in pixels
 * @returns {{ pixels: number[], ink: Uint8Array, between: number, contrast: number, share: number }}
 *   the pixels of what is meant; all ink, as a mask; the share of all variance that lies between ink
 *   and paper, the grey levels between them, and the share of pixels that are ink
 */
export function inkOf(data, width, height, reach) {
  const relief = offsets(grey(data), width, height, reach);
  const { threshold, between, contrast } = otsu(relief);
  const dark = Uint8Array.from(relief, (value) => (value <= threshold ? 1 : 0));
  const ink = borderShare(dark, width, height) > 0.5 ? dark.map((value) => 1 - value) : dark;
  const share = ink.reduce((sum, value) => sum + value, 0) / ink.length;
  return { pixels: whole(pieces(ink, width, height)), ink, between, contrast, share };
}

/** Grey levels, of what is transparent on white (ITU-R BT.601). @param {Uint8ClampedArray} data */
function grey(data) {
  return Float32Array.from({ length: data.length / 4 }, (_, i) => {
    const [red, green, blue, alpha] = data.subarray(i * 4, i * 4 + 4);
    return ((0.299 * red + 0.587 * green + 0.114 * blue - 255) * alpha) / 255 + 255;
  });
}

/**
 * How far each value is from the mean of what surrounds it.
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} reach in pixels
 */
function offsets(values, width, height, reach) {
  // Sums of all that lies above and left: four of them give the sum of any rectangle.
  const sums = new Float64Array((width + 1) * (height + 1));
  const at = (/** @type {number} */ x, /** @type {number} */ y) => y * (width + 1) + x;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      sums[at(x + 1, y + 1)] =
        values[y * width + x] + sums[at(x, y + 1)] + sums[at(x + 1, y)] - sums[at(x, y)];
  return values.map((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const [left, right] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
    const [top, bottom] = [Math.max(0, y - reach), Math.min(height, y + reach + 1)];
    const sum =
      sums[at(right, bottom)] - sums[at(left, bottom)] - sums[at(right, top)] + sums[at(left, top)];
    return value - sum / ((right - left) * (bottom - top));
  });
}

/**
 * The threshold that parts values into the two classes that differ most.
 * @param {Float32Array} values
 */
function otsu(values) {
  const sorted = values.slice().sort();
  const [count, total] = [sorted.length, sorted.reduce((sum, value) => sum + value, 0)];
  const variance = sorted.reduce((sum, value) => sum + (value - total / count) ** 2, 0) / count;
  let best = { threshold: 0, between: 0, contrast: 0 };
  let below = 0;
  for (let i = 1; i < count; i++) {
    below += sorted[i - 1];
    const contrast = (total - below) / (count - i) - below / i;
    const between = ((i / count) * (1 - i / count) * contrast ** 2) / variance;
    if (between > best.between) best = { threshold: sorted[i - 1], between, contrast };
  }
  return best;
}

/** @param {Uint8Array} mask @param {number} width @param {number} height */
function borderShare(mask, width, height) {
  const border = mask.filter((_, i) => onBorder(i, width, height));
  return border.reduce((sum, value) => sum + value, 0) / border.length;
}

/** @param {number} i @param {number} width @param {number} height */
const onBorder = (i, width, height) =>
  i % width === 0 || i % width === width - 1 || i < width || i >= width * (height - 1);

/**
 * Pieces of ink that hang together, also by corners.
 * @param {Uint8Array} ink
 * @param {number} width
 * @param {number} height
 * @returns {Piece[]}
 */
function pieces(ink, width, height) {
  const left = ink.slice();
  const found = [];
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    left[start] = 0;
    const pixels = [start];
    for (const pixel of pixels) {
      for (const next of neighbours(pixel, width, height)) {
        if (left[next]) pixels.push(next);
        left[next] = 0;
      }
    }
    found.push({ pixels, cut: pixels.some((pixel) => onBorder(pixel, width, height)) });
  }
  return found;
}

/** @param {number} pixel @param {number} width @param {number} height */
function neighbours(pixel, width, height) {
  const [x, y] = [pixel % width, Math.floor(pixel / width)];
  const found = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
      found.push(v * width + u);
  return found;
}

/** @typedef {{ pixels: number[], cut: boolean }} Piece */

/** The pixels of what is meant: what the border cuts counts only where there is nothing else. @param {Piece[]} all */
function whole(all) {
  const size = (/** @type {Piece} */ { pixels }) => pixels.length;
  const largest = Math.max(0, ...all.map(size));
  const uncut = all.filter((one) => !one.cut && size(one) > SPECK * largest);
  return (uncut.length ? uncut : all)
    .filter((one) => size(one) > SPECK * largest)
    .flatMap(({ pixels }) => pixels);
}
