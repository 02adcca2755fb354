/** Calls to where the model runs. */
import { explained, ModelError, revived } from "./errors.js";
import { scriptUrl } from "./runtime.js";
import { serve } from "./serve.js";
import { unlessAborted } from "./transport.js";

/** What a worker of this client is called, by which it knows what it is. */
export const NAME = "model-client";

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
    fail(new ModelError("lost", `worker failed: ${message}`));

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
 * @param {boolean | (() => Worker | Promise<Worker>)} worker whether one is wanted, or how it starts
 * @param {() => URL} place where the client's own lies
 * @returns {Promise<Link>}
 */
export const connect = async (worker, place) => {
  /** @type {any} */
  let failed;
  const ways =
    worker === true ? [() => fromUrl(place()), () => imported(place())] : worker ? [worker] : [];
  for (const start of ways) {
    try {
      return linked(await started(await start()));
    } catch (error) {
      failed = error;
    }
  }
  const { port1, port2 } = new MessageChannel();
  serve(port2, failed ? [(await explained("noWorker", failed.message)).message] : []);
  return linked(port1);
};

const PATIENCE_MS = 20_000;

/** @param {Worker} worker */
const started = async (worker) => {
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = reject;
    // One that started before it was given has said so to nobody.
    worker.postMessage(0);
  });
  await unlessAborted(answer, AbortSignal.timeout(PATIENCE_MS)).catch((error) => {
    worker.terminate();
    throw error;
  });
  return worker;
};

/** @param {URL | string} url */
const fromUrl = (url) => new Worker(url, { type: "module", name: NAME });

/**
 * What is of another origin, or lacks the headers of an isolated page, a script of the page imports.
 * @param {URL} place
 */
const imported = ({ href }) => {
  // A static import fails in isolated pages of WebKit; a rejected one is no error of a worker.
  const words = `import(${JSON.stringify(href)}).catch(e=>setTimeout(()=>{throw e}))`;
  const url = scriptUrl(words);
  const worker = fromUrl(url);
  // Not before it has started: older Safari fetches the URL later.
  worker.addEventListener("message", () => URL.revokeObjectURL(url));
  return worker;
};
