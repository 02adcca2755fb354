/** The view in which the model is taught classes of one's own. */

import { ROOT } from "../../../../client/demo/catalog.js";
import { announce, enable, find, parsed, say } from "../../../../client/demo/dom.js";
import { bytes, counted, line, milliseconds, percent } from "../../../../client/demo/words.js";
import { pixelsOf } from "../../../../inputs/image/stage/lens.js";
import { inShort, showAnswer } from "../bars.js";
import { Class } from "./classes.js";
import { Keeping } from "./keeping.js";
import { TEACH } from "./markup.js";
import { plot } from "./plot.js";
import { Trainer } from "./trainer.js";

/** @typedef {import("./plot.js").Epoch} Epoch */

const NO_LAYERS =
  "This release holds no layers model, which learning needs. Add tfjs-layers to export in its config, and publish again.";

export class Teach {
  #stage;
  /** @type {Class[]} */
  #classes = [];
  /** @type {string[]} classes of the trained head */
  #labels = [];
  #training = false;
  #keeping;
  /** @type {Trainer | undefined} */
  #trainer;
  /** @type {any} what the trainer says of the model that it cut */
  #about;
  /** @type {any} */
  #manifest;
  /** Of the model's folder. */
  #base = "";
  /** @type {any} the layers model, where the release has one */
  #artifact;
  /** @type {Promise<void> | undefined} */
  #opening;

  name = "teach";
  title = "Teach it";

  /**
   * @param {import("../../../../inputs/image/stage.js").Stage} stage
   * @param {import("../../../../client/demo/contract.js").Host} host
   */
  constructor(stage, host) {
    this.root = parsed(TEACH);
    host.panel.append(this.root);
    this.shown = false;
    /** What the head answers to the picture on the stage, in short. */
    this.said = "";
    this.#stage = stage;
    this.#keeping = new Keeping({
      attempt: (work) => this.attempt(work),
      ready: () => this.#ready(),
      labels: () => this.#labels,
      loaded: (labels) => this.#loaded(labels),
      tell: host.tell,
    });
    find("#add-class").addEventListener("click", () => this.#addClass(true));
    find("#train").addEventListener("click", () => void this.attempt(() => this.#train()));
    find("#cancel").addEventListener("click", () => void this.#trainer?.ask("cancel"));
  }

  /**
   * @param {any} manifest
   * @param {string | URL} base of the model's folder
   */
  open(manifest, base) {
    this.#trainer?.close();
    this.#trainer = undefined;
    this.#about = undefined;
    this.#manifest = manifest;
    this.#base = String(base);
    this.#artifact = manifest.artifacts.find(
      (/** @type {any} */ { format }) => format === "tfjs-layers",
    );
    this.#classes = [];
    this.#labels = [];
    this.clear();
    find("#classes").replaceChildren();
    find("#live").hidden = find("#training").hidden = true;
    for (let i = 0; i < 2; i++) this.#addClass(false);
    say(find("#teach-error"), this.#artifact ? "" : NO_LAYERS);
    void this.#keeping.open(manifest.name);
  }

  close() {
    this.#trainer?.close();
    this.root.remove();
  }

  /** @param {boolean} shown */
  show(shown) {
    this.shown = shown;
    if (shown && this.#artifact) void this.attempt(() => this.#ready());
    this.update();
  }

  /** Something on the stage changed. */
  update() {
    this.#classes.forEach((one) => one.update());
    const taught = this.#classes.filter((one) => one.examples.length).length;
    const unnamed = this.#classes.some((one) => !one.name);
    const twice = new Set(this.#classes.map(({ name }) => name)).size < this.#classes.length;
    const whole = taught > 1 && taught === this.#classes.length;
    enable("#train", whole && !this.#training && !unnamed && !twice);
    find("#cancel").hidden = !this.#training;
    enable("#add-class", Boolean(this.#artifact) && !this.#training);
    const why = unnamed
      ? "Every class needs a name."
      : twice
        ? "Two classes have the same name."
        : "";
    find("#train-hint").textContent =
      why ||
      (taught < this.#classes.length ? "Add images to every class: eight of each do well." : "");
    this.#keeping.update(this.#labels.length > 0);
  }

  /** Take the answer back, since its picture is gone. */
  clear() {
    this.said = "";
    find("#live .answer").hidden = true;
    find("#live .waiting").hidden = false;
    find("#live-time").textContent = "";
  }

  /** Another tab saved a head. @param {string} model */
  async refresh(model) {
    if (model === this.#manifest?.name) await this.#keeping.open(model);
  }

  /**
   * Ask the head, if there is one.
   * @param {import("../../../../inputs/image/stage.js").Item} item
   */
  async look(item) {
    if (!this.#labels.length) return;
    await this.attempt(async () => {
      const began = performance.now();
      const embedding = await this.#embed(item.given);
      const scores = await this.#trainer?.ask("classify", { embedding });
      const ms = performance.now() - began;
      if (item !== this.#stage.item) return;
      const guesses = this.#labels
        .map((label, i) => ({ label, score: scores[i] }))
        .sort((a, b) => b.score - a.score);
      showAnswer(find("#live .answer"), guesses.slice(0, 5));
      find("#live .answer").hidden = false;
      find("#live .waiting").hidden = true;
      this.said = inShort(guesses);
      announce(`Your model says: ${this.said}`);
      find("#live-time").textContent =
        `${milliseconds(ms)} in a worker, on TF.js ${this.#about.backend}`;
    });
  }

  /**
   * Do something, and say so where it fails.
   * @param {() => Promise<void> | Promise<any>} work
   */
  async attempt(work) {
    try {
      if (this.#artifact) say(find("#teach-error"));
      await work();
    } catch (error) {
      if (/** @type {any} */ (error)?.name !== "AbortError") say(find("#teach-error"), line(error));
    }
  }

  /** The worker with the model in it, and what a head made now is of use with. */
  async #ready() {
    if (!this.#artifact) throw new Error(NO_LAYERS);
    if (!this.#trainer) {
      this.#trainer = new Trainer();
      this.#opening = this.#open(this.#trainer);
    }
    try {
      await this.#opening;
    } catch (error) {
      // The next attempt starts anew.
      this.#trainer = undefined;
      throw error;
    }
    const { layer, size, sha256 } = this.#about;
    const base = { name: this.#manifest.name, layer, size, sha256 };
    return { trainer: this.#trainer, base };
  }

  /** @param {Trainer} trainer */
  async #open(trainer) {
    const release = {
      manifest: this.#manifest,
      artifact: this.#artifact,
      wasm: wasmOf(this.#manifest),
      base: this.#base,
      root: ROOT.href,
    };
    const hint = find("#train-hint");
    this.#about = await trainer.ask("open", { release }, ({ loaded, total }) => {
      hint.textContent = `Loading the layers model: ${bytes(loaded)} of ${bytes(total)}`;
    });
    this.update();
  }

  /** @param {import("./classes.js").Pixels} pixels */
  async #embed(pixels) {
    const { trainer } = await this.#ready();
    return trainer.ask("embed", { pixels: pixelsOf(pixels) });
  }

  /** @param {boolean} focus */
  #addClass(focus) {
    const name = `Class ${this.#classes.length + 1}`;
    const one = new Class(name, this.#stage, {
      embed: (pixels) => this.#embed(pixels),
      changed: () => this.update(),
      removed: (gone) => this.#remove(gone),
      attempt: (work) => this.attempt(work),
    });
    this.#classes.push(one);
    find("#classes").append(one.root);
    if (focus) /** @type {HTMLInputElement} */ (find(".class-name", one.root)).select();
    this.update();
  }

  /** @param {Class} gone */
  #remove(gone) {
    this.#classes = this.#classes.filter((one) => one !== gone);
    gone.root.remove();
    find("#add-class").focus();
    this.update();
  }

  async #train() {
    const settings = { epochs: number("#epochs"), units: number("#units"), rate: number("#rate") };
    const classes = [...this.#classes];
    const examples = classes.flatMap(({ examples }, label) =>
      examples.map(({ embedding }) => ({ embedding, label })),
    );
    const { trainer } = await this.#ready();
    /** @type {Epoch[]} */
    const epochs = [];
    this.#training = true;
    find("#training").hidden = false;
    this.update();
    try {
      const task = { examples, classes: classes.length, settings };
      const result = await trainer.ask("train", task, (/** @type {Epoch} */ epoch) => {
        epochs.push(epoch);
        plot(find("#plot"), epochs, settings.epochs);
      });
      find("#training-text").textContent = outcome(result);
      this.#loaded(classes.map(({ name }) => name));
    } finally {
      this.#training = false;
      this.update();
    }
  }

  /** A head is there. @param {string[]} labels its classes */
  #loaded(labels) {
    this.#labels = labels;
    find("#live").hidden = false;
    this.clear();
    this.update();
    if (this.#stage.item) void this.look(this.#stage.item);
  }
}

/** TF.js' WebAssembly without threads, as the release has it for its runtimes. @param {any} manifest */
function wasmOf({ runtimes = {} }) {
  const files = Object.values(runtimes).flatMap((/** @type {any} */ runtime) => runtime.files);
  return files.filter(({ name }) => name === "tfjs-backend-wasm-simd.wasm").slice(0, 1);
}

/** @param {string} selector of a number field */
function number(selector) {
  const field = /** @type {HTMLInputElement} */ (find(selector));
  if (!field.checkValidity())
    throw new Error(`${field.labels?.[0].textContent?.trim()}: ${field.validationMessage}`);
  return Number(field.value);
}

/** @param {any} result */
function outcome({ epochs, ms, learnt, held, heldFrom, accuracy, heldAccuracy, cancelled }) {
  const how = `${cancelled ? "Stopped" : "Done"} after ${counted(epochs, "epoch")} in ${(ms / 1000).toFixed(1)} s: `;
  const own = `${percent(accuracy)} right on the ${counted(learnt, "image")} learnt from`;
  if (held) return `${how}${own}, ${percent(heldAccuracy)} on ${held} kept back.`;
  return `${how}${own}. None was kept back to test it with: that takes ${heldFrom} of a class.`;
}
