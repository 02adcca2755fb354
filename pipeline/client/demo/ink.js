/**
 * What is drawn in a picture: ink on paper, whichever of both is darker, under uneven light.
 *
 * Each pixel is compared with the mean around it, which takes shadows away; Otsu's threshold (1979)
 * parts ink from paper; paper is what most of the border is. Of several pieces of ink those that the
 * border cuts, and specks, are left out.
 */

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
/** Pieces that are smaller than this share of the largest are specks. */
const SPECK = 0.05;
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
  const relief = offsets(grey(data), width, height, Math.ceil(reach * SIDE));
  const { threshold, between, contrast } = otsu(relief);
  const dark = Uint8Array.from(relief, (value) => (value <= threshold ? 1 : 0));
  const ink = borderShare(dark, width, height) > 0.5 ? dark.map((value) => 1 - value) : dark;
  const pixels = whole(pieces(ink, width, height));
  if (!pixels.length) return null;
  const share = ink.reduce((sum, value) => sum + value, 0) / ink.length;
  const [xs, ys] = [pixels.map((one) => one % width), pixels.map((one) => Math.floor(one / width))];
  const [left, top] = [least(xs), least(ys)];
  const within = {
    x: box.x + left / scale,
    y: box.y + top / scale,
    width: (-least(xs.map((x) => -x)) - left + 1) / scale,
    height: (-least(ys.map((y) => -y)) - top + 1) / scale,
  };
  return { box: within, pixels, ink, width, scale, between, contrast, share };
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
