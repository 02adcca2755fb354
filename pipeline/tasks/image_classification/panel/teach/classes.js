/** The classes that are taught: names, and the images of each. */

import { enable, find, make, onFiles, parsed } from "../../../../client/demo/dom.js";
import { counted } from "../../../../client/demo/words.js";
import { acceptDrops, decode, images } from "../../../../inputs/image/stage/photos.js";
import { CLASS } from "./markup.js";

/**
 * @typedef {ImageData | HTMLCanvasElement} Pixels
 * @typedef {{ embedding: Float32Array, thumb: HTMLElement }} Example
 */

const BURST = 20;
const BURST_MS = 100;
const THUMB = 40;

export class Class {
  #stage;
  #teach;
  #name;

  /**
   * @param {string} name
   * @param {import("../../../../inputs/image/stage.js").Stage} stage
   * @param {{ embed: (pixels: Pixels) => Promise<Float32Array>, changed: () => void, removed: (one: Class) => void,
   *           attempt: (work: () => Promise<void>) => Promise<void> }} teach
   */
  constructor(name, stage, teach) {
    this.root = parsed(CLASS);
    /** @type {Example[]} */
    this.examples = [];
    this.#stage = stage;
    this.#teach = teach;
    this.#name = /** @type {HTMLInputElement} */ (find(".class-name", this.root));
    this.#name.value = name;
    this.#listen();
    this.update();
  }

  get name() {
    return this.#name.value.trim();
  }

  #listen() {
    const { root } = this;
    const teach = this.#teach;
    const files = (/** @type {File[]} */ chosen) => teach.attempt(() => this.#addFiles(chosen));
    this.#name.addEventListener("input", () => this.#changed());
    find(".add", root).addEventListener("click", () => teach.attempt(() => this.#addPicture()));
    find(".burst", root).addEventListener("click", () => teach.attempt(() => this.#record()));
    find(".remove", root).addEventListener("click", () => teach.removed(this));
    onFiles(".files-input", files, root);
    root.addEventListener("paste", (event) => {
      const pasted = images(event.clipboardData);
      if (!pasted.length) return;
      event.stopPropagation();
      void files(pasted);
    });
    acceptDrops(root, files);
  }

  /** Say what can be done now. */
  update() {
    const { root, name } = this;
    const stage = this.#stage;
    const label = name || "this class";
    enable(".add", Boolean(stage.item), root);
    find(".add", root).setAttribute("aria-label", `Add the image to ${label}`);
    find(".burst", root).hidden = stage.mode !== "camera";
    find(".burst", root).setAttribute("aria-label", `Record ${BURST} images for ${label}`);
    find(".remove", root).setAttribute("aria-label", `Remove ${label}`);
    this.examples.forEach(({ thumb }, i) =>
      thumb.setAttribute("aria-label", `Remove image ${i + 1} of ${label}`),
    );
    find(".count", root).textContent = counted(this.examples.length, "image");
  }

  async #addPicture() {
    if (this.#stage.item) await this.#add(this.#stage.item.given);
  }

  /** @param {File[]} files */
  async #addFiles(files) {
    for (const file of files) await this.#add(this.#stage.view(await decode(file)).given);
  }

  async #record() {
    for (let i = 0; i < BURST && this.#stage.mode === "camera"; i++) {
      await this.#add(this.#stage.view(this.#stage.camera.frame()).given);
      await new Promise((next) => setTimeout(next, BURST_MS));
    }
  }

  /** @param {Pixels} pixels */
  async #add(pixels) {
    const embedding = await this.#teach.embed(pixels);
    const thumb = make("button", { type: "button" }, small(pixels));
    const example = { embedding, thumb };
    thumb.addEventListener("click", () => this.#drop(example));
    this.examples.push(example);
    find(".thumbs", this.root).append(make("li", {}, thumb));
    this.#changed();
  }

  /** @param {Example} example */
  #drop(example) {
    const at = this.examples.indexOf(example);
    this.examples.splice(at, 1);
    example.thumb.parentElement?.remove();
    // The keyboard's place is kept: on the next image, or on the button that adds one.
    (this.examples[at]?.thumb ?? find(".add", this.root)).focus();
    this.#changed();
  }

  #changed() {
    this.update();
    this.#teach.changed();
  }
}

/** @param {Pixels} pixels */
function small(pixels) {
  const canvas = make("canvas", { width: THUMB, height: THUMB });
  const whole =
    pixels instanceof ImageData
      ? make("canvas", { width: pixels.width, height: pixels.height })
      : pixels;
  if (pixels instanceof ImageData) whole.getContext("2d").putImageData(pixels, 0, 0);
  const side = Math.min(whole.width, whole.height);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = side > THUMB;
  context.drawImage(
    whole,
    (whole.width - side) / 2,
    (whole.height - side) / 2,
    side,
    side,
    0,
    0,
    THUMB,
    THUMB,
  );
  return canvas;
}
