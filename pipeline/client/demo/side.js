/** One model that runs: what to run is chosen, loaded, answers, and says how it did. */

import { backendsOf, ROOT } from "./catalog.js";
import { clearAnswer, showAnswer } from "./bars.js";
import { find, make, say, stamp } from "./dom.js";
import { Loading } from "./loading.js";
import { bytes, line, median, milliseconds } from "./words.js";

/**
 * @typedef {import("./stage.js").Picture} Picture
 * @typedef {{ label: string, index: number, score: number }} Guess
 */

/** Times that the median is of. */
const KEPT = 20;

export class Side {
  /**
   * @param {string} name of it, where two are compared
   * @param {() => void} changed told when it loaded, answered or failed
   */
  constructor(name, changed) {
    this.root = stamp("#side-template");
    this.name = name;
    /** @type {any} the client's model */
    this.model = null;
    /** @type {Guess[] | null} */
    this.answer = null;
    /** @type {Picture | null} the one that was last classified, or failed to be */
    this.seen = null;
    /** @type {number[]} milliseconds of the last runs */
    this.times = [];
    this._changed = changed;
    this._loading = new Loading(this.root);
    this._artifact = /** @type {HTMLSelectElement} */ (find(".artifact", this.root));
    this._backend = /** @type {HTMLSelectElement} */ (find(".backend", this.root));
    find(".side-name", this.root).textContent = name;
    this.alone(true);
    this._artifact.addEventListener("change", () => {
      this._offerBackends();
      void this.load();
    });
    this._backend.addEventListener("change", () => void this.load());
  }

  /** @param {boolean} alone whether it needs no name */
  alone(alone) {
    find(".side-name", this.root).hidden = alone;
  }

  /**
   * Offer what a release holds.
   * @param {any} manifest
   * @param {string} url of its channel
   * @param {string} [artifact] to choose first
   */
  offer(manifest, url, artifact = "") {
    this._manifest = manifest;
    this._url = url;
    const known = manifest.artifacts.filter(
      (/** @type {any} */ one) => backendsOf(manifest, one).length,
    );
    const options = known.map((/** @type {any} */ { id, bytes: raw, br_bytes }) =>
      option(id, `${id} · ${bytes(br_bytes ?? raw)}`),
    );
    this._artifact.replaceChildren(option("", "Automatic"), ...options);
    this._artifact.value = artifact;
    this._offerBackends();
  }

  _offerBackends() {
    const id = this._artifact.value;
    const chosen = this._manifest.artifacts.filter(
      (/** @type {any} */ one) => !id || one.id === id,
    );
    const names = new Set(
      chosen.flatMap((/** @type {any} */ one) => backendsOf(this._manifest, one)),
    );
    const before = this._backend.value;
    const options = [...names].sort().map((name) => option(name, name));
    this._backend.replaceChildren(option("", "Automatic"), ...options);
    this._backend.value = names.has(before) ? before : "";
  }

  /** Load what is chosen; what was loaded before goes. */
  async load() {
    this._abort?.abort();
    const abort = (this._abort = new AbortController());
    await this._forget();
    this._loading.begin();
    try {
      const { load } = await import(/** @type {any} */ (CLIENT));
      const model = await load(this._url, {
        ...(this._artifact.value && { artifact: this._artifact.value }),
        ...(this._backend.value && { backend: this._backend.value }),
        signal: abort.signal,
        onProgress: (/** @type {any} */ progress) =>
          abort.signal.aborted || this._loading.go(progress),
      });
      if (abort.signal.aborted) return void model.dispose();
      this.model = model;
      this._tell();
      this._changed();
    } catch (error) {
      if (!abort.signal.aborted) this._fail(error);
    } finally {
      if (this._abort === abort) this._loading.end();
    }
  }

  /**
   * Classify a picture.
   * @param {Picture} picture
   */
  async classify(picture) {
    const { model } = this;
    if (!model) return;
    this.seen = picture;
    const began = performance.now();
    try {
      const answer = await model.classify(picture.pixels, { top: 5 });
      if (model !== this.model) return;
      this.times = [...this.times, performance.now() - began].slice(-KEPT);
      this.answer = answer;
      say(find(".error", this.root));
      showAnswer(this.root, answer);
      this._tell();
    } catch (error) {
      if (model === this.model) this._fail(error);
    }
  }

  /** Take the answer back, since its picture is gone. */
  clear() {
    this.answer = this.seen = null;
    clearAnswer(this.root);
  }

  /** What the artifact that runs takes on the way here, without the runtime. */
  get wireBytes() {
    const id = this.model?.info.artifact;
    const { bytes: raw, br_bytes: brotli } =
      this._manifest.artifacts.find((/** @type {any} */ one) => one.id === id) ?? {};
    return brotli ?? raw ?? 0;
  }

  async close() {
    this._abort?.abort();
    await this._forget();
    this.root.remove();
  }

  async _forget() {
    const { model } = this;
    this.model = null;
    this.times = [];
    this.clear();
    say(find(".error", this.root));
    find(".stats", this.root).replaceChildren();
    find(".why", this.root).replaceChildren();
    await model?.dispose();
  }

  /** @param {any} error */
  _fail(error) {
    // An answer to the picture before would be taken for this one's.
    this.answer = null;
    clearAnswer(this.root);
    say(find(".error", this.root), line(error));
    find(".why", this.root).replaceChildren(...reasons([], error.tried ?? []));
    this._changed();
  }

  /** What runs, how fast, and why. */
  _tell() {
    const { info } = this.model;
    const { times } = this;
    const runs = times.length > 1 ? `median of ${times.length}` : "first run";
    find(".stats", this.root).replaceChildren(
      fact(
        "Time",
        times.length ? milliseconds(median(times)) : "–",
        times.length ? runs : "no image yet",
        true,
      ),
      fact("Runs on", info.backend, where(info)),
      fact("Artifact", info.artifact, `${bytes(this.wireBytes)} after brotli`),
      fact("Loaded", bytes(info.bytes.total), `unpacked, with its runtime; ${origin(info)}`, true),
    );
    const why = find(".why", this.root);
    why.replaceChildren(...reasons(info.why, info.tried));
  }
}

/** Where the client lies beside this page. */
const CLIENT = new URL("client/index.js", ROOT).href;

/** @param {string} value @param {string} text */
const option = (value, text) => make("option", { value }, text);

/** @param {string} term @param {string} value @param {string} more @param {boolean} [figure] */
function fact(term, value, more, figure = false) {
  const shown = make("dd", figure ? { class: "figure" } : {}, value);
  return make("div", {}, make("dt", {}, term), shown, make("dd", { class: "quiet small" }, more));
}

/** The thread, and what computes. @param {any} info */
function where({ thread, hardware }) {
  const { renderer, threads } = hardware ?? {};
  const many = threads > 1 ? `, ${threads} threads` : "";
  return `${thread === "worker" ? "in a worker" : "on the page"}${many}${renderer ? `, ${renderer}` : ""}`;
}

/** @param {any} info */
function origin({ bytes: { fetched, cached }, loadMs, offline }) {
  const some = cached ? `${bytes(fetched)} new` : "all new";
  const from = fetched ? some : "all cached";
  return `${from}, ${milliseconds(loadMs)}${offline ? ", offline" : ""}`;
}

/** @param {string[]} why @param {any[]} tried */
function reasons(why, tried) {
  const failed = tried.map(
    ({ artifact, backend, message }) => `Tried ${artifact} on ${backend}: ${message}`,
  );
  return [...why, ...failed].map((reason) => make("li", {}, reason));
}
