/** What a model is given, as a picture: the very tensor that the release's own code makes. */

import { fetchFiles, locate } from "../fetch.js";
import { ROOT } from "./catalog.js";

/** @typedef {import("./stage.js").Picture} Picture */

export class Lens {
  #manifest;
  /** @type {Promise<any> | undefined} */
  #task;
  /** @type {{ picture: Picture, seen: Promise<ImageData | null> } | undefined} */
  #last;

  /** @param {any} manifest */
  constructor(manifest) {
    this.#manifest = manifest;
  }

  /**
   * @param {Picture} picture
   * @returns {Promise<ImageData | null>} null where the input is no image
   */
  look(picture) {
    // Both sides of a comparison are given the same.
    if (this.#last?.picture !== picture) this.#last = { picture, seen: this.#look(picture) };
    return this.#last.seen;
  }

  /** @param {Picture} picture */
  async #look({ pixels }) {
    const { runtimes = {}, task, input } = this.#manifest;
    if (!runtimes[task] || !input?.image) return null;
    const { inputOf } = await (this.#task ??= imported(runtimes[task].files));
    const image =
      pixels instanceof ImageData
        ? pixels
        : /** @type {any} */ (pixels.getContext("2d")).getImageData(
            0,
            0,
            pixels.width,
            pixels.height,
          );
    const [tensor] = Object.values(await inputOf(image, this.#manifest));
    return /** @type {any} */ (tensor).shape.length === 4
      ? painted(/** @type {any} */ (tensor), input.image.scale)
      : null;
  }
}

/** A module of the release, by its digest: the client has fetched and kept it. @param {any[]} files */
async function imported(files) {
  const [content] = await fetchFiles(locate(ROOT.href, files.slice(0, 1)));
  const url = URL.createObjectURL(new Blob([content], { type: "text/javascript" }));
  try {
    return await import(/** @type {any} */ (url));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * @param {{ shape: number[], data: ArrayLike<number> }} tensor [1, height, width, 1 or 3]
 * @param {[number, number]} scale what 0 and 255 became
 */
function painted({ shape: [, height, width, channels], data }, [low, high]) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + Math.min(c, channels - 1)];
      image.data[i * 4 + c] = Math.round(((value - low) / (high - low)) * 255);
    }
    image.data[i * 4 + 3] = 255;
  }
  return image;
}
