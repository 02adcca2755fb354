/** The image that is looked at: drawn, picked, or from the camera. */

import { enable, find, make, onFiles, say } from "../../client/demo/dom.js";
import { line } from "../../client/demo/words.js";
import { overlay } from "../../client/draw.js";
import { Camera } from "./stage/camera.js";
import { Lens } from "./stage/lens.js";
import { STAGE } from "./stage/markup.js";
import { Pad, paint } from "./stage/pad.js";
import { acceptDrops, decode, images, pasted, show } from "./stage/photos.js";
import "./stage.css";

/**
 * @typedef {"draw" | "photo" | "camera"} Mode
 * @typedef {ImageData | HTMLCanvasElement} Pixels
 * @typedef {{ given: Pixels, doubt?: string }} View what a model is given, and why its answer may mean nothing
 * @typedef {View & { name: string }} Item `name`: for people
 *
 * @typedef {object} Guide what draws as a model's training data does, and knows some of that
 * @property {{ label: string, pixels: ImageData }[]} samples
 * @property {string} credit of those
 * @property {string} hint to draw
 * @property {(strokes: import("./stage/pad.js").Stroke[]) => View} drawn
 * @property {(picture: Pixels) => View} photographed
 *
 * @typedef {(context: CanvasRenderingContext2D, order: number) => void} Paint in pixels of what is given; `order`: how
 *   many painted before
 */

const HINTS = {
  draw: "Draw here",
  photo: "Drop a photo here, or paste one",
  camera: "Waiting for the camera",
};

export class Stage {
  #seen;
  /** Ends what listens beyond the stage. */
  #over = new AbortController();
  #resized = new ResizeObserver(() => this.#paintMarks());
  /** @type {Lens | undefined} */
  #lens;
  /** The animation frame that will show a stroke, or 0. */
  #painting = 0;
  #pad;
  #photo;
  /** What is drawn over the item, by whom. @type {Map<unknown, Paint>} */
  #marks = new Map();

  /**
   * @param {HTMLElement} root that it fills
   * @param {() => Promise<unknown>} seen told that `item` is another one, or none
   */
  constructor(root, seen) {
    root.innerHTML = STAGE;
    this.waiting = "Draw something, or pick an image.";
    /** @type {Item | null} */
    this.item = null;
    /** @type {Mode} */
    this.mode = "draw";
    /** @type {Guide | null} */
    this.guide = null;
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
   * @param {any} manifest
   * @param {Guide | null} guide
   */
  open(manifest, guide) {
    this.#lens = new Lens(manifest);
    this.guide = guide;
    find("#pad").setAttribute("aria-label", guide ? PAD_WITH_SAMPLES : PAD);
    if (guide) this.#offerSamples(guide);
    // Whoever looks through the camera goes on with the next model.
    this.setMode(this.mode === "camera" ? "camera" : guide ? "draw" : "photo");
  }

  close() {
    this.camera.stop();
    this.#resized.disconnect();
    this.#over.abort();
  }

  clear() {
    this.setMode(this.mode);
  }

  /**
   * Draw over the item, in its pixels, until it is taken away or another one's answer is drawn.
   * @param {unknown} author whose drawing this one replaces
   * @param {Paint} paint
   */
  mark(author, paint) {
    this.#marks.set(author, paint);
    this.#paintMarks();
  }

  /** @param {unknown} author */
  erase(author) {
    if (this.#marks.delete(author)) this.#paintMarks();
  }

  #paintMarks() {
    const canvas = /** @type {HTMLCanvasElement} */ (find("#marks"));
    const context = overlay(canvas, this.item?.given ?? canvas);
    [...this.#marks.values()].forEach((paint, order) => paint(context, order));
  }

  /** What a model is given of an item, as a picture. @param {Item} item */
  look(item) {
    return this.#lens?.look(item);
  }

  /**
   * What a model is given of a photo, which counts as a drawing where the model knows only such.
   * @param {HTMLCanvasElement} photo
   * @returns {View}
   */
  view(photo) {
    return this.guide?.photographed(photo) ?? { given: photo };
  }

  /** @param {Mode} mode */
  setMode(mode) {
    if (this.mode === "camera") this.camera.stop();
    this.mode = mode;
    this.item = null;
    this.#marks.clear();
    this.#paintMarks();
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
    this.#resized.observe(find("#frame"));
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
    const { signal } = this.#over;
    acceptDrops(document.body, ([file]) => void this.openPhoto(file), signal);
    const paste = (/** @type {ClipboardEvent} */ event) => {
      const [file] = images(event.clipboardData);
      if (file) void this.openPhoto(file);
    };
    document.addEventListener("paste", paste, { signal });
  }

  /** @param {Guide} guide */
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
    void this.#show({ given: pixels, name: `sample of a ${label}` });
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
        ...(this.guide?.drawn(strokes) ?? { given: onPaper(strokes, canvas.width) }),
        name: "drawing",
      });
    });
  }

  /** @param {Item} item */
  async #show(item) {
    this.item = item;
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
    const { mode, item, guide } = this;
    const sample = mode === "draw" && item?.name.startsWith("sample");
    find("#pad").hidden = mode !== "draw";
    find("#photo").hidden = !(mode === "photo" && item) && !sample;
    find("#photo").classList.toggle("ink", Boolean(sample));
    find("#camera").hidden = mode !== "camera";
    find("#pick").hidden = find("#paste").hidden = mode !== "photo";
    find("#paste").hidden ||= !navigator.clipboard?.read;
    find("#freeze").hidden = mode !== "camera" || !item;
    find("#freeze").setAttribute("aria-pressed", String(this.camera.held));
    find("#clear").hidden = mode === "camera";
    enable("#clear", Boolean(item));
    find("#samples").hidden = !guide || mode !== "draw";
    if (!sample)
      document
        .querySelectorAll(".sample-list [aria-pressed=true]")
        .forEach((one) => one.setAttribute("aria-pressed", "false"));
    say(find("#hint"), item ? "" : guide && mode === "draw" ? guide.hint : HINTS[mode]);
  }
}

const PAD = "Drawing pad. Draw with a finger, pen or mouse.";
const PAD_WITH_SAMPLES = `${PAD} By keyboard, pick a sample below.`;

/**
 * Strokes as a photo of them would show them: dark on white, whatever the page's colours are.
 * @param {import("./stage/pad.js").Stroke[]} strokes
 * @param {number} side in pixels
 */
function onPaper(strokes, side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  paint(canvas, strokes, "#fff", "#111");
  return canvas;
}
