/** The image that is looked at: drawn, picked, or from the camera. */

import { Camera } from "./camera.js";
import { enable, find, make, onFiles, say } from "./dom.js";
import { Pad, paint } from "./pad.js";
import { acceptDrops, decode, images, pasted, show } from "./photos.js";
import { line } from "./words.js";

/**
 * @typedef {"draw" | "photo" | "camera"} Mode
 * @typedef {object} Picture
 * @property {ImageData | HTMLCanvasElement} pixels what the model is given
 * @property {string} name for people
 * @property {string} [doubt] why an answer may mean nothing
 */

const HINTS = {
  draw: "Draw here",
  photo: "Drop a photo here, or paste one",
  camera: "Waiting for the camera",
};

export class Stage {
  /** @param {() => Promise<unknown>} seen told that `picture` is another one, or none */
  constructor(seen) {
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Mode} */
    this.mode = "draw";
    /** @type {import("./digits.js").Digits | null} what draws as the model's training data does */
    this.digits = null;
    this._seen = seen;
    /** The animation frame that will show a stroke, or 0. */
    this._painting = 0;
    this._pad = new Pad(find("#pad"), () => this._drawn());
    this._photo = /** @type {HTMLCanvasElement} */ (find("#photo"));
    this.camera = new Camera(find("#camera"), (frame) =>
      this._show({ ...this.view(frame), name: "camera" }),
    );
    this._listen();
  }

  /**
   * Get ready for a model.
   * @param {import("./digits.js").Digits | null} digits where it reads them
   */
  open(digits) {
    this.digits = digits;
    find("#pad").setAttribute("aria-label", digits ? PAD_FOR_DIGITS : PAD);
    if (digits && !find("#samples .sample-list").children.length) this._offerSamples(digits);
    this.setMode(digits ? "draw" : "photo");
  }

  /**
   * What a model is given of a photo, which counts as a drawing where the model knows only such.
   * @param {HTMLCanvasElement} photo
   * @returns {import("./digits.js").View}
   */
  view(photo) {
    return this.digits?.photographed(photo) ?? { pixels: photo };
  }

  /** @param {Mode} mode */
  setMode(mode) {
    if (this.mode === "camera") this.camera.stop();
    this.mode = mode;
    this.picture = null;
    this._pad.clear();
    /** @type {HTMLInputElement} */ (find(`.modes [value="${mode}"]`)).checked = true;
    say(find("#stage-error"));
    this._tidy();
    void this._seen();
    if (mode === "camera")
      this.camera.start().then(
        () => this._tidy(),
        // Whoever left it meanwhile need not be told.
        (error) => this.mode === "camera" && this._fail(error),
      );
  }

  /** @param {Blob} file */
  async openPhoto(file) {
    try {
      const photo = await decode(file);
      this.setMode("photo");
      const name = /** @type {File} */ (file).name ?? "pasted image";
      this._photo.setAttribute("aria-label", `Photo: ${name}`);
      show(this._photo, photo);
      await this._show({ ...this.view(photo), name });
    } catch (error) {
      this._fail(error);
    }
  }

  _listen() {
    find(".modes").addEventListener("change", (event) => {
      this.setMode(/** @type {Mode} */ (/** @type {HTMLInputElement} */ (event.target).value));
    });
    find("#clear").addEventListener("click", () => this.setMode(this.mode));
    find("#freeze").addEventListener("click", () => this._hold());
    onFiles("#file", ([file]) => void this.openPhoto(file));
    find("#paste").addEventListener("click", () => {
      pasted().then(
        (blob) => this.openPhoto(blob),
        (error) => this._fail(error),
      );
    });
    acceptDrops(document.body, ([file]) => void this.openPhoto(file));
    document.addEventListener("paste", (event) => {
      const [file] = images(event.clipboardData);
      if (file) void this.openPhoto(file);
    });
  }

  /** @param {import("./digits.js").Digits} digits */
  _offerSamples({ samples, credit }) {
    const buttons = samples.map(({ label, pixels }) => {
      const canvas = make("canvas", { width: pixels.width, height: pixels.height });
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      const button = make(
        "button",
        { type: "button", "aria-label": `Sample of a ${label}`, "aria-pressed": "false" },
        canvas,
      );
      button.addEventListener("click", () => this._pickSample(button, label, pixels));
      return button;
    });
    find("#samples .sample-list").replaceChildren(...buttons);
    find("#samples p").textContent = credit;
  }

  /** @param {HTMLElement} button @param {string} label @param {ImageData} pixels */
  _pickSample(button, label, pixels) {
    this.setMode("draw");
    show(this._photo, pixels);
    this._photo.setAttribute("aria-label", `Sample of a ${label}`);
    void this._show({ pixels, name: `sample of a ${label}` });
    button.setAttribute("aria-pressed", "true");
  }

  _drawn() {
    if (this._painting) return;
    // Strokes come faster than anyone can see.
    this._painting = requestAnimationFrame(() => {
      this._painting = 0;
      const { strokes, canvas } = this._pad;
      if (!strokes.length) return;
      void this._show({
        ...(this.digits?.drawn(strokes) ?? { pixels: onPaper(strokes, canvas.width) }),
        name: "drawing",
      });
    });
  }

  /** @param {Picture} picture */
  async _show(picture) {
    this.picture = picture;
    this._tidy();
    await this._seen();
  }

  _hold() {
    this.camera.hold(!this.camera.held);
    this._tidy();
  }

  /** @param {unknown} error */
  _fail(error) {
    say(find("#stage-error"), line(error));
  }

  /** Show what belongs to the mode. */
  _tidy() {
    const { mode, picture, digits } = this;
    const sample = mode === "draw" && picture?.name.startsWith("sample");
    find("#pad").hidden = mode !== "draw";
    find("#photo").hidden = !(mode === "photo" && picture) && !sample;
    find("#photo").classList.toggle("ink", Boolean(sample));
    find("#camera").hidden = mode !== "camera";
    find("#pick").hidden = find("#paste").hidden = mode !== "photo";
    find("#paste").hidden ||= !navigator.clipboard?.read;
    find("#freeze").hidden = mode !== "camera" || !picture;
    find("#freeze").setAttribute("aria-pressed", String(this.camera.held));
    find("#clear").hidden = mode === "camera";
    enable("#clear", Boolean(picture));
    find("#samples").hidden = !digits || mode !== "draw";
    if (!sample)
      document
        .querySelectorAll(".sample-list [aria-pressed=true]")
        .forEach((one) => one.setAttribute("aria-pressed", "false"));
    say(
      find("#hint"),
      picture ? "" : digits && mode === "draw" ? "Draw a digit here" : HINTS[mode],
    );
  }
}

const PAD = "Drawing pad. Draw with a finger, pen or mouse.";
const PAD_FOR_DIGITS = `${PAD} By keyboard, pick a sample below.`;

/**
 * Strokes as a photo of them would show them: dark on white, whatever the page's colours are.
 * @param {import("./pad.js").Stroke[]} strokes
 * @param {number} side in pixels
 */
function onPaper(strokes, side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  paint(canvas, strokes, "#fff", "#111");
  return canvas;
}
