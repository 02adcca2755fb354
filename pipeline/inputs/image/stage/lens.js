/** What a model is given, as a picture: the very tensor that the release's own code makes. */

import { codeOf } from "../../../client/demo/code.js";

/** @typedef {import("../stage.js").Item} Item */
/** @typedef {{ shape: number[], data: ArrayLike<number> }} Tensor [1, height, width, 1 or 3], or channels first */

export class Lens {
  #manifest;
  /** @type {{ item: Item, seen: Promise<ImageData | null> } | undefined} */
  #last;
  /** What black and white become. @type {Promise<Tensor[]> | undefined} */
  #ends;

  /** @param {any} manifest */
  constructor(manifest) {
    this.#manifest = manifest;
  }

  /**
   * @param {Item} item
   * @returns {Promise<ImageData | null>} null where the input is no image
   */
  look(item) {
    // Both sides of a comparison are given the same.
    if (this.#last?.item !== item) this.#last = { item, seen: this.#look(item) };
    return this.#last.seen;
  }

  /** @param {Item} item */
  async #look({ given }) {
    // It looks at parts of it, which are known later.
    if (this.#manifest.region) return null;
    this.#ends ??= Promise.all([0, 255].map((level) => this.#tensor(plain(level))));
    const tensor = await this.#tensor(pixelsOf(given));
    return tensor.shape.length === 4 ? painted(tensor, await this.#ends) : null;
  }

  /** @param {ImageData} image @returns {Promise<Tensor>} */
  async #tensor(image) {
    const { inputOf } = await codeOf(this.#manifest);
    const [tensor] = Object.values(await inputOf(image, this.#manifest));
    return /** @type {Tensor} */ (tensor);
  }
}

/** @param {ImageData | HTMLCanvasElement} given @returns {ImageData} */
export const pixelsOf = (given) =>
  given instanceof ImageData
    ? given
    : /** @type {CanvasRenderingContext2D} */ (given.getContext("2d")).getImageData(
        0,
        0,
        given.width,
        given.height,
      );

/** A picture of one grey. @param {number} level */
function plain(level) {
  const image = new ImageData(1, 1);
  image.data.set([level, level, level, 255]);
  return image;
}

/**
 * Colours as they were: between what black and white become, each channel by itself.
 * @param {Tensor} tensor
 * @param {Tensor[]} ends
 */
function painted(tensor, [black, white]) {
  const [height, width, channels, read] = layoutOf(tensor);
  const image = new ImageData(width, height);
  const middle = layoutOf(black);
  const at = (middle[0] >> 1) * middle[1] + (middle[1] >> 1);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const channel = Math.min(c, channels - 1);
      const [low, high] = [black, white].map((end) => layoutOf(end)[3](at, channel));
      image.data[i * 4 + c] = Math.round(((read(i, channel) - low) / (high - low)) * 255);
    }
    image.data[i * 4 + 3] = 255;
  }
  return image;
}

/**
 * @param {Tensor} tensor
 * @returns {[number, number, number, (pixel: number, channel: number) => number]} height, width, channels, and what reads it
 */
function layoutOf({ shape: [, first, second, third], data }) {
  // Channels are one or three, and no picture is as small.
  return third > 3
    ? [second, third, first, (pixel, channel) => Number(data[channel * second * third + pixel])]
    : [first, second, third, (pixel, channel) => Number(data[pixel * third + channel])];
}
