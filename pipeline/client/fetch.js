/** Releases and their files: from the cache by digest, else from the network, always checked. */

import { openCache } from "./cache.js";
import { explained, LoadError } from "./errors.js";
import { PARALLEL, SCHEMA } from "./limits.js";
import { download } from "./transport.js";

export { LoadError };

/**
 * @typedef {import("./index.js").Progress} Progress
 * @typedef {import("./index.js").PageManifest} Manifest
 *
 * @typedef {object} Remote what to fetch
 * @property {string} url
 * @property {string} sha256
 * @property {number} bytes
 *
 * @typedef {object} Release
 * @property {Manifest & { runtimes?: any }} manifest what pages need of it; all, where that was asked for
 * @property {string} base the URL of the model's folder
 * @property {boolean} offline whether it is a kept copy, since the network gave none
 * @property {string[]} warnings why it is
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
  const pin = integrity == null ? null : (await import("./explain.js")).hexOf(integrity);
  if (known && (await digest(known)) === pin) return released(address, known);
  try {
    return await online(
      address,
      known,
      known ? { signal, tries: 1, stallMs: 4000 } : { signal },
      pin,
    );
  } catch (/** @type {any} */ error) {
    signal?.throwIfAborted();
    // Whatever comes in its place is no reason to have none, but for bytes that are not the published ones.
    if (!known || pin != null || error.code === "integrity") throw error;
    return released(address, known, [`the kept release runs: ${error.message}`]);
  }
};

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
 * @param {string | null} pin the digest of the manifest that is wanted, where no other is
 */
const online = async (url, known, transfer, pin) => {
  const content = await download(url, transfer);
  const { manifest, sha256: whole = await digest(content), page } = parse(content);
  // A pin may be of either; releases of before have no page's own.
  const wanted = [page, { path: manifest, sha256: whole }].find(
    (one) => one && (pin ?? one.sha256) === one.sha256,
  );
  if (!wanted) throw await explained("integrity", url, whole);
  const { path, sha256 } = wanted;
  if (!path) return released(url, content);
  if (known && (await digest(known)) === sha256) return released(url, known);
  const file = { url: within(new URL(".", url), path), sha256 };
  return released(url, await verified(file, transfer), [], known);
};

/**
 * @param {string} url
 * @param {ArrayBuffer} content
 * @param {string[]} [warnings] why it is not the network's
 * @param {ArrayBuffer | void} [old]
 * @returns {Promise<Release>}
 */
const released = async (url, content, warnings = [], old) => {
  const manifest = parse(content);
  if (!manifest.artifacts || manifest.schema > SCHEMA)
    throw await explained("format", url, manifest.schema);
  const base = new URL(".", url.replace(/releases\/\w+\/\w+\.json/, "")).href;
  return { manifest, base, url, content, old, warnings, offline: !!warnings[0] };
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
export const locate = (root, files) =>
  files.map((file) => ({ ...file, url: within(root, file.path) }));

/**
 * @param {string | URL} root
 * @param {string} path
 */
const within = (root, path) => {
  const { href } = new URL(path, root);
  if (href.startsWith(`${root}`)) return href;
  throw new LoadError("format", `${path} lies outside of ${root}`);
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
  let [total, early] = [0, 0];
  const states = files.map(({ url, bytes }, index) => {
    total += bytes;
    if (index < first) early += bytes / 2;
    return { url, loaded: 0, total: bytes, cached: false };
  });
  const sum = { loaded: 0, total, fetched: 0, cached: 0, files: states };
  const report = (/** @type {number} */ index, /** @type {number} */ loaded, cached = false) => {
    const state = states[index];
    // What is fetched again, or is longer than promised, is no step back.
    const more = Math.max(0, Math.min(loaded, state.total) - state.loaded);
    state.cached = cached;
    state.loaded += more;
    sum.loaded += more;
    sum[cached ? "cached" : "fetched"] += more;
    if (index < first && (early -= more) <= 0) go();
    onProgress?.({ ...sum });
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

/**
 * @param {{ url: string, sha256: string }} file
 * @param {import("./transport.js").Transfer} transfer
 */
const verified = async ({ url, sha256 }, transfer) => {
  let came;
  let found;
  // Once more past the browser's own cache: it may be what holds the wrong bytes.
  for (const cache of /** @type {const} */ (["default", "reload"])) {
    came = await download(url, { ...transfer, cache });
    if ((found = await digest(came)) === sha256) return came;
  }
  throw await explained("integrity", url, found, sha256, came);
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
