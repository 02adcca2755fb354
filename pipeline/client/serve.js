/** Where models run: a worker, or a page whose policy allows none. */
import { openCache } from './cache.js';
import { Classifier } from './classifier.js';
import { settle } from './fetch.js';

/** @typedef {{signal: AbortSignal, onProgress: (progress: any) => void}} Hooks */

/**
 * Answer the calls that come over a port, one after another.
 * @param {MessagePort} port, or a worker's own scope, which is one too
 */
export function serve(port) {
  /** @type {Record<number, AbortController>} */
  const controls = {};
  /** @type {Classifier} */
  let model;
  /** @type {Record<string, (hooks: Hooks, ...args: any[]) => any>} */
  const methods = {
    async open(hooks, release, wish) {
      model = new Classifier(release, wish);
      await model.open(hooks);
      // What is kept of older releases is of no use any more.
      settle(release).catch(() => {});
    },
    classify: ({ signal }, image, top) => model.classify(image, top, signal),
    predict: ({ signal }, feeds) => model.predict(feeds, signal),
    memory: () => model.memory(),
    dispose: () => model.dispose(),
  };

  /** @param {{id: number, method: string, args: any[]}} call */
  async function perform({ id, method, args }) {
    const { signal } = controls[id];
    const onProgress = (/** @type {any} */ progress) => port.postMessage({ id, progress });
    /** @type {any} */
    const answer = { id };
    try {
      signal.throwIfAborted();
      answer.result = await methods[method]({ signal, onProgress }, ...args);
    } catch (/** @type {any} */ error) {
      answer.error = { ...error, name: error.name, message: error.message };
    }
    port.postMessage({ ...answer, info: model?.info });
    delete controls[id];
  }

  openCache(); // while the manifest comes
  let queue = Promise.resolve();
  port.onmessage = ({ data }) => {
    if ('abort' in data) {
      controls[data.abort]?.abort();
      return;
    }
    controls[data.id] = new AbortController();
    queue = queue.then(() => perform(data)).catch(() => {});
  };
  port.postMessage(0);
}
