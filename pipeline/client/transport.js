/** One file over an unreliable network: bounded, watched for stalls, tried again. */

import { LoadError } from "./errors.js";

const FIRST_WAIT_MS = 400;
const MOST_WAIT_MS = 30_000;
/** Of a pointer or a manifest. */
const MOST_JSON_BYTES = 4 * 2 ** 20;

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
 * @param {number | undefined} bytes that are expected; reading stops where more come
 * @param {Transfer} transfer
 * @returns {Promise<ArrayBuffer>}
 */
export async function download(url, bytes, transfer) {
  const { signal, tries = 4 } = transfer;
  for (let failed = 1; ; failed++) {
    try {
      return await once(url, bytes, transfer);
    } catch (/** @type {any} */ error) {
      if (signal?.aborted || !mayPass(error) || failed >= tries || error.code === "offline") throw error;
      // At random, so that all visitors whom one outage cut off do not return at once.
      const wait = FIRST_WAIT_MS * 2 ** failed * (0.5 + Math.random() / 2);
      await sleep(Math.min(error.retryAfterMs || wait, MOST_WAIT_MS), signal);
    }
  }
}

/** Whether the same request may do better later. */
export const mayPass = (/** @type {any} */ { code, status }) =>
  /network|offline/.test(code) || status === 408 || status === 429 || status >= 500;

/**
 * @param {string} url
 * @param {number | undefined} bytes
 * @param {Transfer} transfer
 */
async function once(url, bytes, { signal, cache, stallMs = 20_000, onBytes }) {
  signal?.throwIfAborted();
  const request = new AbortController();
  const abort = () => request.abort();
  signal?.addEventListener("abort", abort, { signal: request.signal });
  let timer = setTimeout(abort, stallMs);
  try {
    const response = await fetch(url, { signal: request.signal, cache });
    const { ok, status, headers } = response;
    if (!ok) {
      const retryAfterMs = Number(headers.get("Retry-After")) * 1000;
      throw new LoadError("http", `${url}: HTTP ${status}`, { url, status, retryAfterMs });
    }
    const content = await read(response, bytes ?? MOST_JSON_BYTES, (loaded) => {
      clearTimeout(timer);
      timer = setTimeout(abort, stallMs);
      onBytes?.(loaded);
    });
    const { byteLength } = content;
    // Firefox reports no error where a compressed body is cut.
    if (bytes && byteLength < bytes) throw `it ended after ${byteLength} of ${bytes} bytes`;
    return content;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof LoadError) throw error;
    const why = request.signal.aborted ? `nothing came for ${stallMs} ms` : error;
    throw new LoadError(
      navigator.onLine ? "network" : "offline",
      `${url} cannot be fetched: ${why}`,
      { url, cause: error },
    );
  } finally {
    clearTimeout(timer);
    abort(); // ends what is still being sent, and listening
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
  loaded = 0;
  for (const chunk of chunks) {
    content.set(chunk, loaded);
    loaded += chunk.length;
  }
  return content.buffer;
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
const sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
