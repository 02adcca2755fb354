/** Calls to where the model runs. */
import { failure, revived } from './errors.js';
import { scriptUrl } from './runtime.js';
import { serve } from './serve.js';
import { unlessAborted } from './transport.js';

/** What a worker of this client is called, by which it knows what it is. */
export const NAME = 'model-client';

/** @typedef {{signal?: AbortSignal, transfer?: Transferable[], onProgress?: (progress: any) => void}} CallOptions */
/** @typedef {ReturnType<typeof linked>} Link */

/** @param {any} port of a worker, or of a channel */
export const linked = (port) => {
  /** @type {any} what the model says of itself */
  const info = {};
  /** @type {Map<number, (answer: any) => void>} */
  const waiting = new Map();
  let calls = 0;
  /** @type {Error | undefined} why no call is taken any more */
  let closed;

  port.onmessage = (/** @type {MessageEvent} */ { data }) => {
    Object.assign(info, data.info);
    waiting.get(data.id)?.(data);
  };
  const fail = (/** @type {Error} */ error) => waiting.forEach((answer) => answer({ error }));
  port.onerror = (/** @type {ErrorEvent} */ { message }) =>
    fail(failure('lost', `the worker failed: ${message}`));

  /**
   * @param {string} method
   * @param {any[]} args
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  const call = async (method, args, { signal, transfer = [], onProgress } = {}) => {
    signal?.throwIfAborted();
    if (closed) throw closed;
    const id = calls++;
    const answer = new Promise((resolve, reject) => {
      waiting.set(id, ({ progress, result, error }) => {
        if (progress) onProgress?.(progress);
        else if (error) reject(revived(error));
        else resolve(result);
      });
      port.postMessage({ id, method, args }, transfer);
    });
    try {
      return await unlessAborted(answer, signal);
    } catch (error) {
      if (signal?.aborted) port.postMessage({ abort: id });
      throw error;
    } finally {
      waiting.delete(id);
    }
  };

  /**
   * Calls that are not answered fail, and so do all that come.
   * @param {Error} reason
   */
  const close = (reason) => {
    fail((closed = reason));
    (port.terminate ?? port.close).call(port);
  };

  return { info, call, close };
};

/**
 * @param {boolean} worker whether one is wanted
 * @returns {Promise<Link>}
 */
export const connect = async (worker) => {
  let why = 'no worker was wanted';
  for (const start of worker ? [direct, imported] : []) {
    try {
      return linked(await started(start()));
    } catch (/** @type {any} */ error) {
      why = `no worker could start: ${error.message || "the page's policy (CSP worker-src) refuses it"}`;
    }
  }
  const { port1, port2 } = new MessageChannel();
  serve(port2, [why]);
  return linked(port1);
};

/**
 * @param {Worker} worker
 * @returns {Promise<Worker>}
 */
const started = (worker) =>
  new Promise((resolve, reject) => {
    worker.onmessage = () => resolve(worker);
    worker.onerror = (event) => {
      worker.terminate();
      reject(event);
    };
  });

/** The worker runs this same client, in these words, by which bundlers know a worker. */
const direct = () => new Worker(new URL('./index.js', import.meta.url), { type: 'module', name: NAME });

/** What is of another origin, or lacks the headers of an isolated page, a script of the page imports. */
const imported = () => {
  const { href } = new URL('./index.js', import.meta.url);
  // A static import fails in isolated pages of WebKit; a rejected one is no error of a worker.
  const words = `import(${JSON.stringify(href)}).catch(e=>setTimeout(()=>{throw e}))`;
  const url = scriptUrl(words);
  const worker = new Worker(url, { type: 'module', name: NAME });
  // Not before it has started: older Safari fetches the URL later.
  worker.addEventListener('message', () => URL.revokeObjectURL(url));
  return worker;
};
