/** The small artifact answers, and the large one where that is in doubt: loaded where it is asked for. */
import { failure } from './errors.js';

/**
 * @typedef {import('./session.js').Hooks} Hooks
 * @typedef {import('./session.js').Release} Release
 * @typedef {import('./session.js').Session} Open
 * @typedef {import('./session.js').Tensors} Tensors
 * @typedef {import('./session.js').Wish} Wish
 */

/**
 * Whether the caller's backend runs a cascade's artifacts.
 * @param {{small: string}} cascade
 * @param {Wish} wish
 */
const suits = ({ small }, { backend }) => !backend || /^onnx/.test(small) === /^ort/.test(backend);

/**
 * @param {typeof import('./session.js').Session} Session the client's own, of which this has no copy
 */
export const cascaded = (Session) => /** To who calls it, a session. */ class {
  /** @type {Open | null | undefined} opened when it is first needed: most visitors never fetch it */
  #large;
  #small;
  #open;
  #pair;
  #manifest;

  /**
   * @param {Release} release
   * @param {Wish} wish
   */
  constructor(release, wish) {
    const { cascade } = release.manifest;
    const pair = [cascade, ...(cascade?.others ?? [])].find((one) => one && suits(one, wish));
    if (!pair) throw failure('input', 'this release has no such cascade');
    this.#manifest = release.manifest;
    this.#pair = { ...pair, answered: { small: 0, large: 0 } };
    this.#open = (/** @type {string} */ artifact) => new Session(release, { ...wish, artifact });
    this.#small = this.#open(pair.small);
  }

  get info() {
    const { info } = this.#small;
    const large = this.#large?.info;
    return {
      ...info,
      tried: [...info.tried, ...(large?.tried ?? [])],
      warnings: [...info.warnings, ...(large?.warnings ?? [])],
      cascade: { ...this.#pair, backend: large?.backend ?? null },
    };
  }

  /** @param {Hooks} hooks */
  open(hooks) {
    return this.#small.open(hooks);
  }

  /**
   * @param {Hooks} hooks
   * @param {ImageData | ImageBitmap | Blob} image
   * @param {number} top
   */
  async classify(hooks, image, top) {
    const { task } = this.#small;
    if (!task) throw failure('input', 'this release has no code for images: use predict, or publish it again');
    const feeds = await task.inputOf(image, this.#manifest);
    const ask = async (/** @type {Open} */ one) => task.answer(await one.predict(hooks, feeds), this.#manifest);
    const scores = await ask(this.#small);
    const doubt = !(scores[0].score >= this.#pair.threshold);
    const large = doubt && (await this.#opened(hooks));
    this.#pair.answered[large ? 'large' : 'small']++;
    return {
      scores: (large ? await ask(large) : scores).slice(0, top),
      artifact: (large || this.#small).info.artifact,
    };
  }

  /**
   * The large one, or null where it does not come: asked again, each call would wait for it.
   * @param {Hooks} hooks
   */
  async #opened({ signal }) {
    if (this.#large === undefined) {
      try {
        this.#large = await this.#open(this.#pair.large).open({ signal });
      } catch (/** @type {any} */ error) {
        signal.throwIfAborted();
        this.#large = null;
        this.#small.info.warnings.push(`the large artifact could not be had: ${error.message}`);
      }
    }
    return this.#large;
  }

  /**
   * @param {Hooks} hooks
   * @param {Tensors} feeds
   */
  predict(hooks, feeds) {
    return this.#small.predict(hooks, feeds);
  }

  /** @param {Hooks} hooks */
  memory(hooks) {
    return this.#small.memory(hooks);
  }

  async dispose() {
    await Promise.all([this.#small.dispose(), this.#large?.dispose()]);
  }
};
