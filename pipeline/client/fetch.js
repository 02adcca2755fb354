/** Releases and their files: from the cache by digest, else from the network, always checked. */

import { openCache } from "./cache.js";
import { LoadError, explained } from "./errors.js";
import { PARALLEL } from "./limits.js";
import { download, mayPass } from "./transport.js";

export { LoadError };

/**
 * @typedef {import("./index.js").Progress} Progress
 * @typedef {import("./index.js").ReleaseManifest} Manifest
 *
 * @typedef {object} Remote what to fetch
 * @property {string} url
 * @property {string} sha256
 * @property {number} bytes
 *
 * @typedef {object} Release
 * @property {Manifest & { runtimes?: any }} manifest
 * @property {string} base the URL of the model's folder
 * @property {boolean} offline whether it is a kept copy, since the network gave none
 * @property {ArrayBuffer | void} old the manifest of the release that it takes the place of
 * @property {string} url what it was asked for by
 * @property {ArrayBuffer} content the manifest's bytes
 */

/**
 * The release that a channel (`latest.json`) or a manifest's URL names: the network's, else the
 * one that this browser loaded last. One that is pinned is never another: where this browser has it,
 * nobody is asked.
 *
 * @param {string | URL} url
 * @param {{ signal?: AbortSignal, integrity?: string }} [options]
 * @returns {Promise<Release>}
 */
export const fetchRelease = async (url, { signal, integrity } = {}) => {
  const { href: address } = new URL(url, location.href);
  const known = await kept(address);
  if (known && pinOf(await digest(known)) === integrity) return released(address, known);
  try {
    return await online(address, known, known ? { signal, tries: 1, stallMs: 4000 } : { signal }, integrity);
  } catch (error) {
    // A visitor who has a copy does not wait for long.
    if (!known || integrity != null || !mayPass(error)) throw error;
    return released(address, known, true);
  }
};

/**
 * @param {string} sha256 in hexadecimal
 * @returns {string} as pages pin scripts: in base64
 */
const pinOf = (sha256) =>
  `sha256-${btoa(sha256.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))))}`;

/**
 * Files are kept by their digests, releases by their URLs.
 *
 * @param {string} key
 * @returns {Promise<ArrayBuffer | void>} a cache that is broken is as an empty one
 */
const kept = (key) =>
  openCache()
    .then((cache) => cache.get(key))
    .catch(() => {});

/**
 * @param {string} key
 * @param {ArrayBuffer} content
 */
const keep = (key, content) => openCache().then((cache) => cache.set(key, content));

/**
 * @param {string} url
 * @param {ArrayBuffer | void} known the manifest that was loaded last
 * @param {import("./transport.js").Transfer} transfer
 * @param {string} [integrity] the pinned manifest's
 */
const online = async (url, known, transfer, integrity) => {
  const content = await download(url, transfer);
  const { manifest, sha256 } = parse(content);
  const pin = pinOf(sha256 ?? (await digest(content)));
  if ((integrity ?? pin) !== pin) throw await explained("integrity", url, pin);
  if (!sha256) return released(url, content);
  if (known && (await digest(known)) === sha256) return released(url, known);
  const file = { url: within(new URL(".", url), manifest), sha256 };
  return released(url, await verified(file, transfer), false, known);
};

/**
 * @param {string} url
 * @param {ArrayBuffer} content
 * @param {boolean} [offline]
 * @param {ArrayBuffer | void} [old]
 * @returns {Promise<Release>}
 */
const released = async (url, content, offline = false, old) => {
  const manifest = parse(content);
  if (!manifest.artifacts) throw await explained("format", url);
  const base = new URL(".", url.replace(/releases\/\w+\/manifest\.json/, "")).href;
  return { manifest, base, url, content, old, offline };
};

/** @param {ArrayBuffer} content which may be anything */
const parse = (content) => {
  try {
    return Object(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    return {};
  }
};

/**
 * A release's files as `fetchFiles` takes them.
 *
 * @template {{ path: string }} F
 * @param {string} root the folder that paths are relative to
 * @param {F[]} files
 */
export const locate = (root, files) => files.map((file) => ({ ...file, url: within(root, file.path) }));

/**
 * @param {string | URL} root
 * @param {string} path
 */
const within = (root, path) => {
  const { href } = new URL(path, root);
  if (href.startsWith(`${root}`)) return href;
  throw new LoadError("format", `this file lies outside of ${root}: ${path}`);
};

/**
 * Files in order: side by side, from the cache where it has them; whatever arrives is kept, also
 * when another one fails.
 *
 * @param {Remote[]} files
 * @param {object} [options]
 * @param {string} [options.url] the release's: where there is no room, its other files make some
 * @param {string} [options.spare] a text that names those of its other files that are needed too
 * @param {number} [options.first] so many come first: they share the link with no others until half of
 *   their bytes are there, so that what is asked for then arrives as they end
 * @param {AbortSignal} [options.signal]
 * @param {(progress: Progress) => void} [options.onProgress] its objects are the same at every call
 * @param {(index: number, content: ArrayBuffer) => void} [options.onFile] as each is there
 * @param {string[]} [options.warnings] what went wrong and did not matter is added to it
 * @param {number} [options.stallMs] without a byte for so long, a connection counts as broken
 * @returns {Promise<ArrayBuffer[]>}
 */
export const fetchFiles = async (files, options = {}) => {
  const { signal: outer, onProgress, onFile, first = 0 } = options;
  outer?.throwIfAborted();
  const stop = new AbortController();
  const { signal } = stop;
  outer?.addEventListener("abort", () => stop.abort(outer.reason), { signal });
  /** @type {any} */
  let go;
  const turn = new Promise((resolve) => (signal.onabort = go = () => resolve(0)));
  const states = files.map(({ url, bytes }) => ({ url, loaded: 0, total: bytes, cached: false }));
  const report = (/** @type {number} */ index, /** @type {number} */ loaded, cached = false) => {
    Object.assign(states[index], { loaded, cached });
    const early = sums(states.slice(0, first));
    if (early.loaded * 2 >= early.total) go();
    onProgress?.({ ...sums(states), files: states });
  };
  /** @type {ArrayBuffer[]} */
  const contents = [];
  /** @type {Promise<unknown>[]} */
  const keeping = [];

  const get = async (/** @type {number} */ index) => {
    const { sha256, bytes } = files[index];
    let content = await kept(sha256);
    if (content && (await digest(content)) === sha256) report(index, bytes, true);
    else {
      if (first && index >= first) await turn;
      const onBytes = (/** @type {number} */ loaded) => report(index, loaded);
      const came = (content = await verified(files[index], { ...options, bytes, signal, onBytes }));
      const failed = async (/** @type {any} */ error) =>
        (await import("./room.js")).again(error, sha256, came, files, options);
      keeping.push(keep(sha256, came).catch(failed));
    }
    onFile?.(index, content);
    contents[index] = content;
  };
  let next = 0;
  const lane = async () => {
    while (next < files.length && !signal.aborted) await get(next++);
  };
  // What failed first is told, once all have ended.
  await Promise.all([...Array(PARALLEL)].map(() => lane().catch((error) => stop.abort(error))));
  await Promise.allSettled(keeping);
  signal.throwIfAborted();
  stop.abort(); // listens no more
  return contents;
};

/** @param {import("./index.js").FileProgress[]} states */
const sums = (states) => {
  const sum = { loaded: 0, total: 0, fetched: 0, cached: 0 };
  for (const { loaded, total, cached } of states) {
    sum.loaded += loaded;
    sum.total += total;
    sum[cached ? "cached" : "fetched"] += loaded;
  }
  return sum;
};

/**
 * @param {{ url: string, sha256: string }} file
 * @param {import("./transport.js").Transfer} transfer
 */
const verified = async ({ url, sha256 }, transfer) => {
  let found;
  // Once more past the browser's own cache: it may be what holds the wrong bytes.
  for (const cache of /** @type {const} */ (["default", "reload"])) {
    const content = await download(url, { ...transfer, cache });
    if ((found = await digest(content)) === sha256) return content;
  }
  throw new LoadError("integrity", `${url}: sha256 is ${found}, not ${sha256}`, { url });
};

/** @param {ArrayBuffer} content */
export const digest = async (content) => {
  if (!globalThis.crypto?.subtle) {
    throw await explained("insecure");
  }
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};

/**
 * Call once a release has loaded: it is what a visit without network gets, and what the one before
 * needed is deleted, but for what this one or another model needs.
 *
 * @param {Release} release
 */
export const settle = async ({ url, content, old }) => {
  // Where there is no room, it fails, and the release before stays whole for a visit without network.
  await keep(url, content);
  if (old) await (await import("./room.js")).evict(url, content, old);
};
