/** One file over an unreliable network: bounded, watched for stalls, tried again. */

import { LoadError } from "./errors.js";

const TRIES = 4;
const FIRST_WAIT_MS = 400;
const MOST_WAIT_MS = 30_000;
const STALL_MS = 20_000;

/**
 * @typedef {object} Transfer
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
 * @param {number} most bytes; reading stops where more come
 * @param {Transfer} [transfer]
 * @returns {Promise<ArrayBuffer>}
 */
export async function download(url, most, transfer = {}) {
  const { signal, tries = TRIES } = transfer;
  for (let failed = 1; ; failed++) {
    try {
      return await once(url, most, transfer);
    } catch (error) {
      if (!mayPass(error) || failed >= tries || error.code === "offline") throw error;
      // At random, so that all visitors whom one outage cut off do not return at once.
      const wait = FIRST_WAIT_MS * 2 ** failed * (0.5 + Math.random() / 2);
      await sleep(Math.min(error.retryAfterMs ?? wait, MOST_WAIT_MS), signal);
    }
  }
}

/**
 * Whether the same request may do better later.
 *
 * @param {unknown} error
 * @returns {error is LoadError}
 */
export function mayPass(error) {
  if (!(error instanceof LoadError)) return false;
  const { code, status = 0 } = error;
  return code === "network" || code === "offline" || status === 408 || status === 429 || status >= 500;
}

/**
 * @param {string} url
 * @param {number} most
 * @param {Transfer} transfer
 */
async function once(url, most, { signal, cache, stallMs = STALL_MS, onBytes }) {
  signal?.throwIfAborted();
  const request = new AbortController();
  const abort = () => request.abort();
  signal?.addEventListener("abort", abort);
  let timer = setTimeout(abort, stallMs);
  try {
    const response = await fetch(url, { signal: request.signal, cache });
    if (!response.ok) throw refused(url, response);
    return await read(response, most, (loaded) => {
      clearTimeout(timer);
      timer = setTimeout(abort, stallMs);
      onBytes?.(loaded);
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof LoadError) throw error;
    const code = navigator.onLine ? "network" : "offline";
    const why = request.signal.aborted ? `nothing came for ${stallMs} ms` : error;
    throw new LoadError(code, `${url} cannot be fetched: ${why}`, { url, cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    abort(); // ends what is still being sent
  }
}

/**
 * @param {Response} response
 * @param {number} most
 * @param {(loaded: number) => void} onBytes
 * @returns {Promise<ArrayBuffer>} no more than one chunk longer than `most`
 */
async function read(response, most, onBytes) {
  const chunks = [];
  let loaded = 0;
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (let part; loaded <= most && !(part = await reader.read()).done; ) {
    chunks.push(part.value);
    onBytes((loaded += part.value.length));
  }
  const content = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    content.set(chunk, at);
    at += chunk.length;
  }
  return content.buffer;
}

/**
 * @param {string} url
 * @param {Response} response
 */
function refused(url, { status, headers }) {
  const asked = headers.get("Retry-After");
  const seconds = Number(asked);
  const ms = isNaN(seconds) ? Date.parse(/** @type {string} */ (asked)) - Date.now() : seconds * 1e3;
  const retryAfterMs = ms > 0 ? ms : undefined;
  return new LoadError("http", `${url}: HTTP ${status}`, { url, status, retryAfterMs });
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort);
  });
}
