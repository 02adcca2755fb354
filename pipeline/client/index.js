/**
 * Loads a published model by its URL and runs it where this device runs it best.
 *
 *     import { load } from 'https://cdn.example/client/index.js';
 *     const model = await load('https://cdn.example/mobilenet/latest.json');
 *     const top = await model.classify(document.querySelector('img'), { top: 5 });
 */
import { failure } from './failure.js';
import { fetchRelease } from './fetch.js';
import { portable } from './image.js';
import { NAME, connect } from './link.js';
import { serve } from './serve.js';

export { LoadError } from './errors.js';

/**
 * @typedef {'http' | 'network' | 'integrity' | 'format' | 'insecure'} LoadErrorCode
 *
 * @typedef {Object} Progress
 * @property {number} loaded bytes so far
 * @property {number} total bytes
 * @property {{url: string, loaded: number, total: number, cached: boolean}[]} files
 *
 * @typedef {Object} Options
 * @property {string} [artifact] runs only this one, such as `tfjs-graph/fp32`
 * @property {string} [backend] runs only there: `tfjs-wasm`, `tfjs-webgl`, `tfjs-webgpu`,
 *   `ort-wasm` or `ort-webgpu`
 * @property {boolean} [cascade] answers with a small artifact and asks a large one in doubt
 * @property {boolean} [worker] `false` runs on the page's own thread
 * @property {number} [threads] of WebAssembly; more than one needs a cross-origin isolated page
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]
 *
 * @typedef {{label: string, index: number, score: number}} Score
 * @typedef {Score[] & {artifact: string}} Scores and which artifact answered
 *
 * @typedef {{dtype: string, shape: number[], data: any}} Tensor `data` a typed array
 *
 * @typedef {Object} Tried what failed before something worked
 * @property {string} artifact
 * @property {string} backend
 * @property {string} code `canary`, `unavailable`, `lost`, `memory`, `format`, `http`, …
 * @property {string} message
 *
 * @typedef {Object} Info
 * @property {string} name
 * @property {string} release
 * @property {boolean} offline whether the release is a kept copy, since the network gave none
 * @property {string} artifact what answers
 * @property {string} backend where
 * @property {'worker' | 'page'} thread
 * @property {string[]} why all this was chosen
 * @property {Tried[]} tried
 * @property {Record<string, any>} hardware what really runs, as the runtime tells
 * @property {{fetched: number, cached: number, total: number}} bytes uncompressed
 * @property {number} loadMs
 * @property {null | {small: string, large: string, threshold: number, backend: string | null,
 *                    answered: {small: number, large: number}}} cascade
 */

/**
 * @param {string | URL} url of a channel (`latest.json`) or of a manifest
 * @param {Options} [options]
 * @returns {Promise<Model>}
 */
export async function load(url, { worker = true, onProgress, signal, ...wish } = {}) {
  const start = performance.now();
  signal?.throwIfAborted();
  const linking = connect(worker);
  try {
    // The worker starts while the manifest comes.
    const release = await fetchRelease(String(url), { signal });
    const link = await linking;
    await link.call('open', [release, wish], { signal, onProgress });
    link.info.loadMs = performance.now() - start;
    return new Model(link);
  } catch (error) {
    linking.then((link) => link.close(gone()));
    throw error;
  }
}

const gone = () => failure('disposed', 'the model was disposed of: load it again');

/** A model that is ready; its calls are answered in the order in which they were made. */
class Model {
  #link;
  /** @type {Promise<unknown>} the call before */
  #last = Promise.resolve();

  /** @param {import('./link.js').Link} link */
  constructor(link) {
    this.#link = link;
  }

  /**
   * What runs where, and why.
   * @returns {Info}
   */
  get info() {
    return this.#link.info;
  }

  /**
   * @param {import('./image.js').ClassifiableImage} image
   * @param {{top?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<Scores>} the likeliest first
   */
  async classify(image, { top = 5, signal } = {}) {
    const { scores, artifact } = await this.#inOrder(portable(image), ([sent, transfer]) =>
      this.#link.call('classify', [sent, top], { signal, transfer }),
    );
    return Object.assign(scores, { artifact });
  }

  /**
   * @param {Record<string, Tensor>} tensors by the input's name
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Record<string, Tensor>>} by the output's name
   */
  predict(tensors, options) {
    return this.#inOrder(0, () => this.#link.call('predict', [tensors], options));
  }

  /** @returns {Promise<{tensors: number | null, bytes: number | null}>} */
  memory() {
    return this.#inOrder(0, () => this.#link.call('memory', []));
  }

  /** Free everything: the worker, the runtime, the model. */
  async dispose() {
    // A worker is ended, and frees all.
    if (this.info.thread === 'page') await this.#link.call('dispose', []).catch(() => {});
    this.#link.close(gone());
  }

  /**
   * Calls are sent in the order in which they were made, however long an image takes to decode.
   * @template T, U
   * @param {T | Promise<T>} ready
   * @param {(ready: T) => Promise<U>} send
   */
  #inOrder(ready, send) {
    const turn = Promise.all([ready, this.#last]);
    this.#last = turn.catch(() => {});
    return turn.then(([value]) => send(value));
  }
}

// The worker runs this same file.
if (globalThis.name === NAME && !globalThis.document) serve(/** @type {any} */ (globalThis));
