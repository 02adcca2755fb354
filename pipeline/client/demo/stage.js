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
  #seen;
  /** The animation frame that will show a stroke, or 0. */
  #painting = 0;
  #pad;
  #photo;

  /** @param {() => Promise<unknown>} seen told that `picture` is another one, or none */
  constructor(seen) {
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Mode} */
    this.mode = "draw";
    /** @type {import("./digits.js").Digits | null} what draws as the model's training data does */
    this.digits = null;
    this.#seen = seen;
    this.#pad = new Pad(find("#pad"), () => this.#drawn());
    this.#photo = /** @type {HTMLCanvasElement} */ (find("#photo"));
    this.camera = new Camera(find("#camera"), (frame) =>
      this.#show({ ...this.view(frame), name: "camera" }),
    );
    this.#listen();
  }

  /**
   * Get ready for a model.
   * @param {import("./digits.js").Digits | null} digits where it reads them
   */
  open(digits) {
    this.digits = digits;
    find("#pad").setAttribute("aria-label", digits ? PAD_FOR_DIGITS : PAD);
    if (digits && !find("#samples .sample-list").children.length) this.#offerSamples(digits);
    // Whoever looks through the camera goes on with the next model.
    this.setMode(this.mode === "camera" ? "camera" : digits ? "draw" : "photo");
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
    this.#pad.clear();
    /** @type {HTMLInputElement} */ (find(`.modes [value="${mode}"]`)).checked = true;
    say(find("#stage-error"));
    this.#tidy();
    void this.#seen();
    if (mode === "camera")
      this.camera.start().then(
        () => this.#tidy(),
        // Whoever left it meanwhile need not be told.
        (error) => this.mode === "camera" && this.#fail(error),
      );
  }

  /** @param {Blob} file */
  async openPhoto(file) {
    try {
      const photo = await decode(file);
      this.setMode("photo");
      const name = /** @type {File} */ (file).name ?? "pasted image";
      this.#photo.setAttribute("aria-label", `Photo: ${name}`);
      show(this.#photo, photo);
      await this.#show({ ...this.view(photo), name });
    } catch (error) {
      this.#fail(error);
    }
  }

  #listen() {
    find(".modes").addEventListener("change", (event) => {
      this.setMode(/** @type {Mode} */ (/** @type {HTMLInputElement} */ (event.target).value));
    });
    find("#clear").addEventListener("click", () => this.setMode(this.mode));
    find("#freeze").addEventListener("click", () => this.#hold());
    onFiles("#file", ([file]) => void this.openPhoto(file));
    find("#paste").addEventListener("click", () => {
      pasted().then(
        (blob) => this.openPhoto(blob),
        (error) => this.#fail(error),
      );
    });
    acceptDrops(document.body, ([file]) => void this.openPhoto(file));
    document.addEventListener("paste", (event) => {
      const [file] = images(event.clipboardData);
      if (file) void this.openPhoto(file);
    });
  }

  /** @param {import("./digits.js").Digits} digits */
  #offerSamples({ samples, credit }) {
    const buttons = samples.map(({ label, pixels }) => {
      const canvas = make("canvas", { width: pixels.width, height: pixels.height });
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      const button = make(
        "button",
        { type: "button", "aria-label": `Sample of a ${label}`, "aria-pressed": "false" },
        canvas,
      );
      button.addEventListener("click", () => this.#pickSample(button, label, pixels));
      return button;
    });
    find("#samples .sample-list").replaceChildren(...buttons);
    find("#samples p").textContent = credit;
  }

  /** @param {HTMLElement} button @param {string} label @param {ImageData} pixels */
  #pickSample(button, label, pixels) {
    this.setMode("draw");
    show(this.#photo, pixels);
    this.#photo.setAttribute("aria-label", `Sample of a ${label}`);
    void this.#show({ pixels, name: `sample of a ${label}` });
    button.setAttribute("aria-pressed", "true");
  }

  #drawn() {
    if (this.#painting) return;
    // Strokes come faster than anyone can see.
    this.#painting = requestAnimationFrame(() => {
      this.#painting = 0;
      const { strokes, canvas } = this.#pad;
      if (!strokes.length) return;
      void this.#show({
        ...(this.digits?.drawn(strokes) ?? { pixels: onPaper(strokes, canvas.width) }),
        name: "drawing",
      });
    });
  }

  /** @param {Picture} picture */
  async #show(picture) {
    this.picture = picture;
    this.#tidy();
    await this.#seen();
  }

  #hold() {
    this.camera.hold(!this.camera.held);
    this.#tidy();
  }

  /** @param {unknown} error */
  #fail(error) {
    say(find("#stage-error"), line(error));
  }

  /** Show what belongs to the mode. */
  #tidy() {
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
