/** One model that runs: what to run is chosen, loaded, answers, and says how it did. */

import { backendsOf, ROOT } from "./catalog.js";
import { find, make, say, stamp } from "./dom.js";
import { facts, reasons } from "./facts.js";
import { Loading } from "./loading.js";
import { bytes, line } from "./words.js";

/**
 * @typedef {import("./contract.js").Item} Item
 * @typedef {object} Release
 * @property {any} manifest
 * @property {string} url of its channel
 * @property {string} pinned URL of its manifest
 */

/** Times that the median is of. */
const KEPT = 20;

export class Side {
  #changed;
  #loading;
  #artifact;
  #backend;
  /** @type {Release | undefined} */
  #release;
  /** @type {AbortController | undefined} of the load that is under way, or was the last */
  #abort;

  #panel;

  /**
   * @param {string} name of it, where two are compared
   * @param {import("./contract.js").Panel} panel
   * @param {() => void} changed told when it loaded, answered or failed
   */
  constructor(name, panel, changed) {
    this.root = stamp("#side-template");
    this.#panel = panel;
    panel.prepare(find(".answer", this.root));
    (this.root.querySelector(".answer .first") ?? find(".answer", this.root)).append(
      stamp("#seen-template"),
    );
    find(".waiting", this.root).textContent = panel.stage.waiting;
    this.name = name;
    /** @type {any} the client's model */
    this.model = null;
    /** @type {any} */
    this.answer = null;
    /** @type {Item | null} the one that was last given to it, answered or not */
    this.seen = null;
    /** @type {number[]} milliseconds of the last runs */
    this.times = [];
    this.#changed = changed;
    this.#loading = new Loading(this.root);
    this.#artifact = /** @type {HTMLSelectElement} */ (find(".artifact", this.root));
    this.#backend = /** @type {HTMLSelectElement} */ (find(".backend", this.root));
    find(".side-name", this.root).textContent = name;
    this.alone(true);
    this.#artifact.addEventListener("change", () => {
      this.#offerBackends();
      void this.load();
    });
    this.#backend.addEventListener("change", () => void this.load());
  }

  /** @param {boolean} alone whether it needs no name */
  alone(alone) {
    find(".side-name", this.root).hidden = alone;
  }

  /**
   * Offer what a release holds.
   * @param {Release} release
   * @param {string} [artifact] to choose first
   */
  offer(release, artifact = "") {
    this.#release = release;
    const { manifest } = release;
    const known = manifest.artifacts.filter(
      (/** @type {any} */ one) => backendsOf(manifest, one).length,
    );
    const options = known.map((/** @type {any} */ { id, bytes: raw, br_bytes }) =>
      option(id, `${id} · ${bytes(br_bytes ?? raw)}`),
    );
    this.#artifact.replaceChildren(option("", "Automatic"), ...options);
    this.#artifact.value = artifact;
    this.#offerBackends();
    find(".stats", this.root).replaceChildren(...facts(null));
  }

  #offerBackends() {
    const { manifest } = this.#offered;
    const id = this.#artifact.value;
    const chosen = manifest.artifacts.filter((/** @type {any} */ one) => !id || one.id === id);
    const names = new Set(chosen.flatMap((/** @type {any} */ one) => backendsOf(manifest, one)));
    const before = this.#backend.value;
    const options = [...names].sort().map((name) => option(name, name));
    this.#backend.replaceChildren(option("", "Automatic"), ...options);
    this.#backend.value = names.has(before) ? before : "";
  }

  get #offered() {
    return /** @type {Release} */ (this.#release);
  }

  /** What was chosen, as `load` takes it. @returns {Record<string, string>} */
  get wish() {
    return {
      ...(this.#artifact.value && { artifact: this.#artifact.value }),
      ...(this.#backend.value && { backend: this.#backend.value }),
    };
  }

  /** Load what is chosen; what was loaded before goes. */
  async load() {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const { manifest, url, pinned } = this.#offered;
    await this.forget();
    this.#loading.begin(manifest);
    this.#changed();
    try {
      let model = await this.#load(url, abort.signal);
      if (model.info.release !== manifest.release && !abort.signal.aborted) {
        // The channel moved since: what runs is what this page shows.
        await model.dispose();
        model = await this.#load(pinned, abort.signal);
      }
      if (abort.signal.aborted) return void model.dispose();
      this.model = model;
      this.#tell();
      this.#changed();
    } catch (error) {
      if (!abort.signal.aborted) this.#fail(error);
    } finally {
      if (this.#abort === abort) this.#loading.end();
    }
  }

  /** @param {string} url @param {AbortSignal} signal */
  async #load(url, signal) {
    const { load } = await import(/** @type {any} */ (CLIENT));
    return load(url, {
      ...this.wish,
      signal,
      onProgress: (/** @type {any} */ progress) => signal.aborted || this.#loading.go(progress),
    });
  }

  /**
   * Answer an item.
   * @param {Item} item
   */
  async ask(item) {
    const { model } = this;
    if (!model) return;
    this.seen = item;
    const began = performance.now();
    try {
      const answer = await this.#panel.ask(model, item);
      // What was cleared or chosen anew meanwhile has no answer.
      if (model !== this.model || this.seen !== item) return;
      this.times = [...this.times, performance.now() - began].slice(-KEPT);
      this.answer = answer;
      say(find(".error", this.root));
      this.#panel.draw(find(".answer", this.root), { answer, item });
      this.#answered(true);
      this.#tell();
      await this.#showSeen(item);
    } catch (error) {
      if (model === this.model) this.#fail(error);
    }
  }

  /** The item as the model got it. @param {Item} item */
  async #showSeen(item) {
    const image = await this.#panel.stage.look?.(item)?.catch(() => null);
    if (this.seen !== item) return;
    find(".seen", this.root).hidden = !image;
    if (!image) return;
    const canvas = /** @type {HTMLCanvasElement} */ (find(".seen canvas", this.root));
    [canvas.width, canvas.height] = [image.width, image.height];
    // An image of a few pixels is shown as such.
    canvas.style.imageRendering = image.width < 64 ? "pixelated" : "auto";
    canvas.getContext("2d")?.putImageData(image, 0, 0);
  }

  /** @param {boolean} answered whether there is an answer to show */
  #answered(answered) {
    if (!answered) this.#panel.erase?.(find(".answer", this.root));
    find(".answer", this.root).hidden = !answered;
    find(".waiting", this.root).hidden = answered;
  }

  /** Take the answer back, since its picture is gone. */
  clear() {
    this.answer = this.seen = null;
    this.#answered(false);
  }

  /** What the artifact that runs takes on the way here, without the runtime. */
  get wireBytes() {
    const id = this.model?.info.artifact;
    const { bytes: raw, br_bytes: brotli } =
      this.#offered.manifest.artifacts.find((/** @type {any} */ one) => one.id === id) ?? {};
    return brotli ?? raw ?? 0;
  }

  async close() {
    this.#abort?.abort();
    await this.forget();
    this.root.remove();
  }

  /** Let go of the model, and of all that was said of it. */
  async forget() {
    const { model } = this;
    this.model = null;
    this.times = [];
    this.clear();
    say(find(".error", this.root));
    find(".stats", this.root).replaceChildren(...facts(null));
    find(".why", this.root).replaceChildren();
    await model?.dispose();
  }

  /** @param {any} error */
  #fail(error) {
    // An answer to the picture before would be taken for this one's.
    this.answer = null;
    this.#answered(false);
    say(find(".error", this.root), line(error));
    find(".why", this.root).replaceChildren(...reasons([], error.tried ?? []));
    if (error.tried?.length)
      /** @type {HTMLDetailsElement} */ (find("details", this.root)).open = true;
    this.#changed();
  }

  /** What runs, how fast, and why. */
  #tell() {
    const { info } = this.model;
    const { times, wireBytes } = this;
    const told = { info, times, wireBytes, travelled: this.#loading.travelled };
    find(".stats", this.root).replaceChildren(...facts(told));
    find(".why", this.root).replaceChildren(...reasons(info.why, info.tried));
  }
}

/** Where the client lies beside this page. */
const CLIENT = new URL("client/index.js", ROOT).href;

/** @param {string} value @param {string} text */
const option = (value, text) => make("option", { value }, text);
