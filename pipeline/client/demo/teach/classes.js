/** The classes that are taught: names, and the images of each. */

import { enable, find, make, onFiles, stamp } from "../dom.js";
import { acceptDrops, decode, images } from "../photos.js";
import { counted } from "../words.js";

/**
 * @typedef {ImageData | HTMLCanvasElement} Pixels
 * @typedef {{ embedding: Float32Array, thumb: HTMLElement }} Example
 */

const BURST = 20;
const BURST_MS = 100;
const THUMB = 40;

export class Class {
  /**
   * @param {string} name
   * @param {import("../stage.js").Stage} stage
   * @param {{ embed: (pixels: Pixels) => Promise<Float32Array>, changed: () => void, removed: (one: Class) => void,
   *           attempt: (work: () => Promise<void>) => Promise<void> }} teach
   */
  constructor(name, stage, teach) {
    this.root = stamp("#class-template");
    /** @type {Example[]} */
    this.examples = [];
    this._stage = stage;
    this._teach = teach;
    this._name = /** @type {HTMLInputElement} */ (find(".class-name", this.root));
    this._name.value = name;
    this._listen();
    this.update();
  }

  get name() {
    return this._name.value.trim();
  }

  _listen() {
    const { root, _teach: teach } = this;
    const files = (/** @type {File[]} */ chosen) => teach.attempt(() => this._addFiles(chosen));
    this._name.addEventListener("input", () => this._changed());
    find(".add", root).addEventListener("click", () => teach.attempt(() => this._addPicture()));
    find(".burst", root).addEventListener("click", () => teach.attempt(() => this._record()));
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
    const { root, name, _stage: stage } = this;
    const label = name || "this class";
    enable(".add", Boolean(stage.picture), root);
    find(".add", root).setAttribute("aria-label", `Add the image to ${label}`);
    find(".burst", root).hidden = stage.mode !== "camera";
    find(".burst", root).setAttribute("aria-label", `Record ${BURST} images for ${label}`);
    find(".remove", root).setAttribute("aria-label", `Remove ${label}`);
    this.examples.forEach(({ thumb }, i) =>
      thumb.setAttribute("aria-label", `Remove image ${i + 1} of ${label}`),
    );
    find(".count", root).textContent = counted(this.examples.length, "image");
  }

  async _addPicture() {
    if (this._stage.picture) await this._add(this._stage.picture.pixels);
  }

  /** @param {File[]} files */
  async _addFiles(files) {
    for (const file of files) await this._add(this._stage.view(await decode(file)).pixels);
  }

  async _record() {
    for (let i = 0; i < BURST && this._stage.mode === "camera"; i++) {
      await this._add(this._stage.view(this._stage.camera.frame()).pixels);
      await new Promise((next) => setTimeout(next, BURST_MS));
    }
  }

  /** @param {Pixels} pixels */
  async _add(pixels) {
    const embedding = await this._teach.embed(pixels);
    const thumb = make("button", { type: "button" }, small(pixels));
    const example = { embedding, thumb };
    thumb.addEventListener("click", () => this._drop(example));
    this.examples.push(example);
    find(".thumbs", this.root).append(make("li", {}, thumb));
    this._changed();
  }

  /** @param {Example} example */
  _drop(example) {
    const at = this.examples.indexOf(example);
    this.examples.splice(at, 1);
    example.thumb.parentElement?.remove();
    // The keyboard's place is kept: on the next image, or on the button that adds one.
    (this.examples[at]?.thumb ?? find(".add", this.root)).focus();
    this._changed();
  }

  _changed() {
    this.update();
    this._teach.changed();
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
