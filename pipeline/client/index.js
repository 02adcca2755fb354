/**
 * Loads a published model by its URL and runs it where this device runs it best.
 *
 *     import { load } from 'https://cdn.example/client/index.js';
 *     const model = await load('https://cdn.example/mobilenet/latest.json');
 *     const top = await model.classify(document.querySelector('img'), { top: 5 });
 */
import { webgl } from './device.js';
import { failure } from './errors.js';
import { fetchRelease } from './fetch.js';
import { portable } from './image.js';
import { NAME, connect } from './link.js';
import { serve } from './serve.js';
import { unlessAborted } from './transport.js';

export { LoadError } from './errors.js';

/** @type {typeof import('./index.js').load} */
export const load = async (url, { worker = true, onProgress, signal, ...wish } = {}) => {
  const start = performance.now();
  const linking = connect(worker);
  try {
    // The worker starts while the manifest comes.
    const release = await fetchRelease(url, { signal });
    const link = await unlessAborted(linking, signal);
    await link.call('open', [release, wish], { signal, onProgress });
    link.info.loadMs = performance.now() - start;
    return modelOf(link);
  } catch (error) {
    linking.then(end);
    throw error;
  }
};

/** @param {import('./link.js').Link} link */
const end = async ({ info, call, close }) => {
  // Asked also of what does not answer yet: on a page, a runtime that is opening ends only after that.
  const freed = call('dispose', []).catch(() => {});
  // A worker is ended, and frees all.
  if (info.thread === 'page') await freed;
  close(failure('disposed', 'the model was disposed of: load it again'));
};

/**
 * A model that is ready; its calls are answered in the order in which they were made.
 * @param {import('./link.js').Link} link
 * @returns {import('./index.js').Model}
 */
const modelOf = (link) => {
  const { info, call } = link;
  /** @type {Promise<unknown>} the call before */
  let last = Promise.resolve();

  /**
   * Calls are sent in the order in which they were made, however long an image takes to decode.
   * @param {string} method
   * @param {any} args or a promise of them, and of what of them is given away
   * @param {{signal?: AbortSignal}} [options]
   */
  const inOrder = async (method, args, options) => {
    await (last = Promise.allSettled([args, last]));
    const [sent, transfer] = await args;
    return call(method, sent, { ...options, transfer });
  };

  return {
    info,
    async classify(image, { top = 5, signal } = {}) {
      try {
        const sent = portable(image).then(([one, transfer]) => [[one, top], transfer]);
        const { scores, artifact } = await inOrder('classify', sent, { signal });
        return Object.assign(scores, { artifact });
      } catch (/** @type {any} */ error) {
        // A page may not read the pixels of other origins that do not allow it.
        if (error?.name !== 'DataCloneError') throw error;
        throw failure('input', 'the image is of another origin: it needs crossorigin="anonymous"');
      }
    },
    predict: (tensors, options) => inOrder('predict', [[tensors]], options),
    memory: () => inOrder('memory', [[]]),
    dispose: () => end(link),
  };
};

// The worker runs this same file.
/** @type {any} */
const scope = globalThis;
if (scope.name === NAME && !scope.document) {
  serve(scope);
  // Most releases have artifacts for it; where there is no canvas, who needs it learns so.
  if (scope.OffscreenCanvas) webgl();
}
