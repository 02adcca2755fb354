/** Calls to where the model runs. */
import { LoadError } from './errors.js';
import { failure } from './failure.js';
import { serve } from './serve.js';

/** What a worker of this client is called, by which it knows what it is. */
export const NAME = 'model-client';

/** @typedef {{resolve: (value: any) => void, reject: (error: any) => void, onProgress?: (progress: any) => void}} Waiting */
/** @typedef {{signal?: AbortSignal, transfer?: Transferable[], onProgress?: (progress: any) => void}} CallOptions */

export class Link {
  /** @type {any} what the model says of itself */
  info = {};
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #calls = 0;
  /** @type {Error | undefined} why no call is taken any more */
  #closed;
  #port;
  /** @type {string[]} */
  #why;

  /**
   * @param {Worker | MessagePort} port
   * @param {string} [why] it is no worker
   */
  constructor(port, why) {
    this.#port = port;
    this.#why = why ? [why] : [];
    port.onmessage = ({ data }) => this.#receive(data);
    if ('onerror' in port) port.onerror = ({ message }) => this.#fail(failure('lost', `the worker failed: ${message}`));
  }

  /**
   * @param {string} method
   * @param {any[]} args
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, args, { signal, transfer = [], onProgress } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw this.#closed;
    const id = this.#calls++;
    let abort = () => {};
    try {
      return await new Promise((resolve, reject) => {
        abort = () => {
          this.#port.postMessage({ abort: id });
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort);
        this.#waiting.set(id, { resolve, reject, onProgress });
        this.#port.postMessage({ id, method, args }, transfer);
      });
    } finally {
      // A signal may outlive thousands of calls.
      signal?.removeEventListener('abort', abort);
      this.#waiting.delete(id);
    }
  }

  /** @param {{id: number, progress?: any, result?: any, error?: any, info?: any}} message */
  #receive({ id, progress, result, error, info }) {
    const call = this.#waiting.get(id);
    if (progress) return call?.onProgress?.(progress);
    const thread = this.#why.length ? 'page' : 'worker';
    if (info) Object.assign(this.info, info, { thread, why: [...info.why, ...this.#why] });
    if (error) call?.reject(revived(error));
    else call?.resolve(result);
  }

  /** @param {Error} reason for which no call that waits will be answered */
  #fail(reason) {
    for (const { reject } of this.#waiting.values()) reject(reason);
  }

  /**
   * Calls that are not answered fail, and so do all that come.
   * @param {Error} reason
   */
  close(reason) {
    this.#closed = reason;
    this.#fail(reason);
    if ('terminate' in this.#port) this.#port.terminate();
    else this.#port.close();
  }
}

/**
 * @param {any} error without its class, which does not travel
 * @returns {Error}
 */
const revived = (error) =>
  error.name === 'LoadError'
    ? new LoadError(error.code, error.message, error)
    : Object.assign(new Error(), error);

/**
 * @param {boolean} worker whether one is wanted
 * @returns {Promise<Link>}
 */
export async function connect(worker) {
  let why = 'no worker was wanted';
  for (const start of worker ? [direct, imported] : []) {
    try {
      return new Link(await started(start()));
    } catch (/** @type {any} */ error) {
      why = `no worker could start: ${error.message || 'the page’s policy (CSP worker-src) refuses it'}`;
    }
  }
  const { port1, port2 } = new MessageChannel();
  const link = new Link(port1, why);
  serve(port2);
  return link;
}

/**
 * @param {Worker} worker
 * @returns {Promise<Worker>}
 */
function started(worker) {
  return new Promise((resolve, reject) => {
    worker.onmessage = () => {
      worker.onerror = null;
      resolve(worker);
    };
    worker.onerror = reject;
  });
}

/** The worker runs this same client, in these words, by which bundlers know a worker. */
function direct() {
  return new Worker(new URL('./index.js', import.meta.url), { type: 'module', name: NAME });
}

/** What is of another origin, or lacks the headers of an isolated page, a script of the page imports. */
function imported() {
  const { href } = new URL('./index.js', import.meta.url);
  // A static import fails in isolated pages of WebKit; a rejected one is no error of a worker.
  const words = `import(${JSON.stringify(href)}).catch((e) => setTimeout(() => { throw e }))`;
  const script = new Blob([words], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(script), { type: 'module', name: NAME });
}
