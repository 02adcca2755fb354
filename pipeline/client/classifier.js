/** Answers calls with one session, or with two: the small artifact first, the large one in doubt. */
import { failure } from './failure.js';
import { Session } from './session.js';

/**
 * @typedef {import('./session.js').Hooks} Hooks
 * @typedef {import('./session.js').Release} Release
 * @typedef {import('./session.js').Tensors} Tensors
 * @typedef {import('./session.js').Wish} Wish
 */

/** By task: what knows its input and its answer. */
const TASKS = { 'image-classification': () => import('./tasks/image-classification.js') };

/**
 * Whether the caller's backend runs a cascade's artifacts.
 * @param {{small: string}} cascade
 * @param {Wish} wish
 */
const suits = ({ small }, { backend }) => !backend || /^onnx/.test(small) === /^ort/.test(backend);

export class Classifier {
  /** @type {Session | null | undefined} opened when it is first needed: most visitors never fetch it */
  #large;
  /** @type {any} */
  #task;

  /**
   * @param {Release} release
   * @param {Wish & {cascade?: boolean}} wish
   */
  constructor(release, wish) {
    const { cascade, task } = release.manifest;
    const pair = wish.cascade && [cascade, ...(cascade?.others ?? [])].find((one) => one && suits(one, wish));
    if (wish.cascade && !pair) throw failure('input', 'this release has no such cascade');
    this.release = release;
    this.wish = wish;
    this.cascade = pair ? { ...pair, answered: { small: 0, large: 0 } } : null;
    this.session = new Session(release, pair ? { ...wish, artifact: pair.small } : wish);
    // It comes beside the model's files.
    this.#task = /** @type {Record<string, () => Promise<any>>} */ (TASKS)[task]?.();
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
      const doubt = !(result.scores[0].score >= this.cascade.threshold);
      const large = doubt && (await this.#opened(signal));
      if (large) result = await ask(large);
      this.cascade.answered[large ? 'large' : 'small']++;
    }
    return { ...result, scores: result.scores.slice(0, top) };
  }

  /**
   * The large one, or null where it does not come: asked again, each call would wait for it.
   * @param {AbortSignal} signal
   */
  async #opened(signal) {
    if (this.#large === undefined) {
      const large = new Session(this.release, { ...this.wish, artifact: this.cascade?.large });
      try {
        this.#large = await large.open({ signal });
      } catch (/** @type {any} */ error) {
        signal.throwIfAborted();
        this.#large = null;
        this.session.info.warnings.push(`the large artifact could not be had: ${error.message}`);
      }
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
