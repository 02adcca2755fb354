/** Answers calls with one session, or with two: the small artifact first, the large one in doubt. */
import { failure } from './failure.js';
import { Session } from './session.js';

/**
 * @typedef {import('./session.js').Hooks} Hooks
 * @typedef {import('./session.js').Release} Release
 * @typedef {import('./session.js').Tensors} Tensors
 * @typedef {import('./session.js').Wish} Wish
 */

/** By task: the file that knows its input and its answer. */
const TASKS = {
  'image-classification': () => new URL('./tasks/image-classification.js', import.meta.url),
};

export class Classifier {
  /** @type {Session | undefined} opened when it is first needed: most visitors never fetch it */
  #large;
  /** @type {any} */
  #task;

  /**
   * @param {Release} release
   * @param {Wish & {cascade?: boolean}} wish
   */
  constructor(release, wish) {
    const { cascade, task } = release.manifest;
    if (wish.cascade && !cascade) throw failure('input', 'this release has no cascade');
    this.release = release;
    this.wish = wish;
    this.cascade = wish.cascade && cascade ? { ...cascade, answered: { small: 0, large: 0 } } : null;
    this.session = new Session(release, this.cascade ? { ...wish, artifact: this.cascade.small } : wish);
    const file = /** @type {Record<string, () => URL>} */ (TASKS)[task];
    // Beside the model's files.
    this.#task = file && import(/* webpackIgnore: true */ /* @vite-ignore */ file().href);
  }

  get info() {
    const { manifest, offline } = this.release;
    const { name, release } = manifest;
    const large = this.#large?.info;
    const tried = [...this.session.info.tried, ...(large?.tried ?? [])];
    const cascade = this.cascade && { ...this.cascade, backend: large?.backend ?? null };
    const warnings = [...this.session.info.warnings, ...(large?.warnings ?? [])];
    return { name, release, offline, ...this.session.info, tried, warnings, cascade };
  }

  /** @param {Hooks} hooks */
  async open(hooks) {
    await Promise.all([this.session.open(hooks), this.#task]);
  }

  /**
   * @param {ImageData | ImageBitmap | Blob} image
   * @param {number} top
   * @param {AbortSignal} signal
   */
  async classify(image, top, signal) {
    const { manifest } = this.release;
    if (!this.#task || !manifest.preprocess) throw failure('input', 'this model takes tensors: use predict');
    const { inputOf, answer } = await this.#task;
    const feeds = await inputOf(image, manifest);
    const ask = async (/** @type {Session} */ session) => ({
      scores: answer(await session.run(feeds, signal), manifest),
      artifact: session.info.artifact,
    });
    let result = await ask(this.session);
    if (this.cascade) {
      const doubt = result.scores[0].score < this.cascade.threshold;
      this.cascade.answered[doubt ? 'large' : 'small']++;
      if (doubt) result = await ask(await this.#opened(signal));
    }
    return { ...result, scores: result.scores.slice(0, top) };
  }

  /**
   * The large one.
   * @param {AbortSignal} signal
   */
  async #opened(signal) {
    if (!this.#large) {
      const large = new Session(this.release, { ...this.wish, artifact: this.cascade?.large });
      this.#large = await large.open({ signal });
    }
    return this.#large;
  }

  /**
   * @param {Tensors} feeds
   * @param {AbortSignal} signal
   */
  predict(feeds, signal) {
    return this.session.run(feeds, signal);
  }

  memory() {
    return this.session.memory();
  }

  async dispose() {
    await Promise.all([this.session.dispose(), this.#large?.dispose()]);
  }
}
