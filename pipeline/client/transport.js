/** One file over an unreliable network: bounded, watched for stalls, tried again. */

import { LoadError } from "./errors.js";
import { FIRST_WAIT_MS, MOST_JSON_BYTES, MOST_WAIT_MS } from "./limits.js";

/**
 * @typedef {object} Transfer
 * @property {number} [bytes] that are expected; reading stops where more come
 * @property {AbortSignal} [signal]
 * @property {RequestCache} [cache]
 * @property {number} [tries]
 * @property {number} [stallMs] without a byte for so long, a connection counts as broken
 * @property {(loaded: number) => void} [onBytes] bytes of this try so far
 */

/**
 * Fetches a URL, again after what may pass: a broken or stalled connection, 408, 429 and 5xx.
 *
 * @param {string} url
 * @param {Transfer} transfer
 * @returns {Promise<ArrayBuffer>}
 */
export const download = async (url, transfer) => {
  const { signal, tries = 4 } = transfer;
  for (let failed = 1; ; failed++) {
    try {
      return await once(url, transfer);
    } catch (/** @type {any} */ error) {
      if (!mayPass(error) || failed >= tries || error.code === "offline") throw error;
      // At random, so that all visitors whom one outage cut off do not return at once.
      const wait = FIRST_WAIT_MS * 2 ** failed * (1 + Math.random());
      const ms = Math.min(error.retryAfterMs || wait, MOST_WAIT_MS);
      await unlessAborted(new Promise((resolve) => setTimeout(resolve, ms)), signal);
    }
  }
};

/** Whether the same request may do better later. */
export const mayPass = (/** @type {any} a signal's reason may be anything, also null */ error) =>
  /network|offline|408|429|5\d\d/.test(error?.status + error?.code);

/**
 * @param {string} url
 * @param {Transfer} transfer
 */
const once = async (url, { bytes, signal, cache, stallMs = 20_000, onBytes }) => {
  signal?.throwIfAborted();
  const request = new AbortController();
  const abort = () => request.abort();
  signal?.addEventListener("abort", abort, { signal: request.signal });
  /** @type {any} */
  let timer;
  const alive = (loaded = 0) => {
    clearTimeout(timer);
    timer = setTimeout(abort, stallMs);
    onBytes?.(loaded);
  };
  try {
    alive();
    const { ok, status, headers, body } = await fetch(url, { signal: request.signal, cache });
    if (!ok) {
      const retryAfterMs = /** @type {any} */ (headers.get("Retry-After")) * 1000;
      throw new LoadError("http", `${url}: HTTP ${status}`, { url, status, retryAfterMs });
    }
    const content = await read(body, bytes ?? MOST_JSON_BYTES, alive);
    const { byteLength } = content;
    // Firefox reports no error where a compressed body is cut. A page in place of a file is whole.
    if (byteLength < /** @type {any} */ (bytes) && !isPage(content)) {
      throw `ended after ${byteLength} of ${bytes} bytes`;
    }
    return content;
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof LoadError) throw cause;
    const why = request.signal.aborted ? `no byte for ${stallMs} ms` : cause;
    const code = navigator.onLine ? "network" : "offline";
    throw new LoadError(code, `${url} cannot be fetched: ${why}`, { url, cause });
  } finally {
    clearTimeout(timer);
    abort(); // ends what is still being sent, and listening
  }
};

/** Whether it begins as HTML does. */
const isPage = (/** @type {ArrayBuffer} */ content) =>
  /^\s*<[!h]/i.test(new TextDecoder().decode(content));

/**
 * @param {any} body
 * @param {number} most
 * @param {(loaded: number) => void} onBytes
 * @returns {Promise<ArrayBuffer>} no more than one chunk longer than `most`
 */
const read = async (body, most, onBytes) => {
  const chunks = [];
  let loaded = 0;
  const reader = body.getReader();
  for (let part; loaded <= most && !(part = await reader.read()).done; ) {
    chunks.push(part.value);
    onBytes((loaded += part.value.length));
  }
  const content = new Uint8Array(loaded);
  loaded = 0;
  for (const chunk of chunks) {
    content.set(chunk, loaded);
    loaded += chunk.length;
  }
  return content.buffer;
};

/**
 * @template T
 * @param {Promise<T>} work that hears no signal
 * @param {AbortSignal} [signal] may outlive thousands of calls
 * @returns {Promise<T>}
 */
export const unlessAborted = async (work, signal) => {
  /** @type {any} */
  let abort;
  const aborted = new Promise((_, reject) => (abort = () => reject(signal?.reason)));
  signal?.addEventListener("abort", abort);
  try {
    return await /** @type {Promise<T>} */ (Promise.race([work, aborted]));
  } finally {
    signal?.removeEventListener("abort", abort);
  }
};
