/**
 * Loads a published model by its URL and runs it where this device runs it best.
 *
 *     import { load } from 'https://cdn.example/client/index.js';
 *     const model = await load('https://cdn.example/mobilenet/latest.json');
 *     const top = await model.classify(document.querySelector('img'), { top: 5 });
 */
import { webgl } from './device.js';
import { failure } from './failure.js';
import { fetchRelease } from './fetch.js';
import { portable } from './image.js';
import { NAME, connect } from './link.js';
import { serve } from './serve.js';

export { LoadError } from './errors.js';

/** @typedef {import('./index.js').Tensors} Tensors as all public types in index.d.ts */

/** @type {typeof import('./index.js').load} */
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
   * @returns {import('./index.js').ModelInfo}
   */
  get info() {
    return this.#link.info;
  }

  /**
   * @param {import('./index.js').ImageInput} image
   * @param {import('./index.js').ClassifyOptions} [options]
   * @returns {Promise<import('./index.js').Classification>} the likeliest first
   */
  async classify(image, { top = 5, signal } = {}) {
    const going = this.#inOrder(portable(image), ([sent, transfer]) =>
      this.#link.call('classify', [sent, top], { signal, transfer }),
    );
    const { scores, artifact } = await going.catch((error) => {
      // A page may not read the pixels of other origins that do not allow it.
      if (error.name !== 'DataCloneError') throw error;
      throw failure('input', 'the image is of another origin: it needs crossorigin="anonymous"');
    });
    return Object.assign(scores, { artifact });
  }

  /**
   * @param {Tensors} tensors by the input's name
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Tensors>} by the output's name
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
const scope = globalThis.self;
if (scope?.name === NAME && !scope.document) {
  serve(/** @type {any} */ (scope));
  // Most releases have artifacts for it; where there is no canvas, who needs it learns so.
  if (scope.OffscreenCanvas) webgl();
}
