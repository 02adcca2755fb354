/** Releases and their files: from the cache by digest, else from the network, always checked. */

import { openCache } from "./cache.js";
import { LoadError } from "./errors.js";
import { download, mayPass } from "./transport.js";

export { LoadError };

/** Browsers open no more connections to one HTTP/1.1 server; HTTP/2 gains nothing from more. */
const PARALLEL = 6;

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
 * @property {string} url what it was asked for by
 * @property {ArrayBuffer} content the manifest's bytes
 */

/**
 * The release that a channel (`latest.json`) or a manifest's URL names: the network's, else the
 * one that this browser loaded last.
 *
 * @param {string} url
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<Release>}
 */
export async function fetchRelease(url, { signal } = {}) {
  const address = new URL(url, globalThis.location?.href).href;
  const known = await (await finder())(address);
  try {
    return await online(address, known, known ? { signal, tries: 1, stallMs: 4000 } : { signal });
  } catch (error) {
    // A visitor who has a copy does not wait for long.
    if (!known || !mayPass(error)) throw error;
    return released(address, known, true);
  }
}

/**
 * Reads what any model keeps: content under a digest, or a release under its URL. The keys are
 * read once, so that a first visit asks for nothing that is not there.
 *
 * @returns {Promise<(id: string, name?: string) => Promise<ArrayBuffer | undefined>>} with a name,
 *   the model that keeps it from now on, too
 */
async function finder() {
  const cache = await openCache();
  // A cache that is broken is as an empty one.
  const all = [...((await attempt(() => cache.keys())) ?? [])];
  return async (id, name) => {
    const keys = all.filter((key) => key.startsWith(id + "\n"));
    const own = keyOf(id, name);
    const content = keys[0] && (await attempt(() => cache.get(keys.includes(own) ? own : keys[0])));
    // Without room for it, it stays the other model's.
    if (content && name && !keys.includes(own)) await attempt(() => cache.set(own, content));
    return content || undefined;
  };
}

/**
 * @template T
 * @param {() => T | Promise<T>} work what is better done than not
 * @returns {Promise<T | void>} nothing where it fails
 */
const attempt = async (work) => {
  try {
    return await work();
  } catch {}
};

/** Files of each model are kept apart, so that evicting one's never takes another's. */
const keyOf = (/** @type {string} */ id, name = "") => `${id}\n${name}`;

/**
 * @param {string} url
 * @param {ArrayBuffer | undefined} known the manifest that was loaded last
 * @param {import("./transport.js").Transfer} transfer
 */
async function online(url, known, transfer) {
  const content = await download(url, undefined, transfer);
  const { manifest, sha256 } = parse(url, content);
  if (typeof manifest !== "string") return released(url, content);
  if (known && (await digest(known)) === sha256) return released(url, known);
  const file = { url: within(new URL(".", url), manifest), sha256 };
  return released(url, await verified(file, transfer));
}

/**
 * @param {string} url
 * @param {ArrayBuffer} content
 * @param {boolean} [offline]
 * @returns {Release}
 */
function released(url, content, offline = false) {
  const manifest = parse(url, content);
  if (!manifest.artifacts) throw new LoadError("format", `${url}: no manifest of a model`, { url });
  const base = new URL(new URL(url).pathname.endsWith("/manifest.json") ? "../../" : ".", url).href;
  return { manifest, base, offline, url, content };
}

/**
 * @param {string} url
 * @param {ArrayBuffer} content
 */
function parse(url, content) {
  try {
    return Object(JSON.parse(new TextDecoder().decode(content)));
  } catch (cause) {
    throw new LoadError("format", `${url}: not JSON; is it a model's latest.json?`, { url, cause });
  }
}

/**
 * A release's files as `fetchFiles` takes them.
 *
 * @param {string} root the folder that paths are relative to
 * @param {{ path: string, sha256: string, bytes: number }[]} files
 * @returns {Remote[]}
 */
export function locate(root, files) {
  return files.map(({ path, sha256, bytes }) => ({ url: within(root, path), sha256, bytes }));
}

/**
 * @param {string | URL} root
 * @param {string} path
 */
function within(root, path) {
  const { href } = new URL(path, root);
  if (href.startsWith(`${root}`)) return href;
  throw new LoadError("format", `the release names a file outside of ${root}: ${path}`);
}

/**
 * Files in order: side by side, from the cache where it has them; whatever arrives is kept, also
 * when another one fails.
 *
 * @param {Remote[]} files
 * @param {object} [options]
 * @param {string} [options.name] the model's: whose part of the cache they go to
 * @param {number} [options.first] so many come first: they share the link with no others until half of
 *   their bytes are there, so that what is asked for then arrives as they end
 * @param {AbortSignal} [options.signal]
 * @param {(progress: Progress) => void} [options.onProgress]
 * @param {(index: number, content: ArrayBuffer) => void} [options.onFile] as each is there
 * @param {string[]} [options.warnings] what went wrong and did not matter is added to it
 * @param {number} [options.stallMs] without a byte for so long, a connection counts as broken
 * @returns {Promise<ArrayBuffer[]>}
 */
export async function fetchFiles(files, options = {}) {
  const { name = "", signal, onProgress, onFile, warnings = [], stallMs, first = 0 } = options;
  signal?.throwIfAborted();
  let go = () => {};
  /** @type {Promise<void>} */
  const turn = new Promise((resolve) => (go = resolve));
  const report = reporter(files, (progress) => {
    const early = progress.files.slice(0, first);
    if (sum(early, "loaded") * 2 >= sum(early, "total")) go();
    onProgress?.(progress);
  });
  const keep = keeper(name, new Set(files.map((file) => file.sha256)), warnings);
  const find = await finder();
  /** @type {Promise<void>[]} */
  const keeping = [];
  const fetching = inParallel(files, signal, async (file, index, signal) => {
    signal.onabort = go; // and be told of it
    const kept = await find(file.sha256, name);
    if (kept && (await digest(kept)) === file.sha256) {
      report(index, file.bytes, true);
      onFile?.(index, kept);
      return kept;
    }
    if (first && index >= first) await turn;
    const onBytes = (/** @type {number} */ loaded) => report(index, loaded);
    const content = await verified(file, { signal, stallMs, onBytes });
    onFile?.(index, content);
    keeping.push(keep(file.sha256, content));
    return content;
  });
  return fetching.finally(() => Promise.all(keeping));
}

/**
 * @template T, R
 * @param {T[]} items
 * @param {AbortSignal | undefined} outer
 * @param {(item: T, index: number, signal: AbortSignal) => Promise<R>} work
 * @returns {Promise<R[]>}
 * @throws what failed first, once all have ended
 */
async function inParallel(items, outer, work) {
  outer?.throwIfAborted();
  const stop = new AbortController();
  outer?.addEventListener("abort", () => stop.abort(outer.reason), { signal: stop.signal });
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length && !stop.signal.aborted) {
      const index = next++;
      results[index] = await work(items[index], index, stop.signal);
    }
  };
  const lanes = Array.from({ length: PARALLEL }, () => lane().catch((error) => stop.abort(error)));
  await Promise.all(lanes);
  stop.signal.throwIfAborted();
  stop.abort(); // listens no more
  return results;
}

/**
 * @param {{ url: string, sha256: string, bytes?: number }} file
 * @param {import("./transport.js").Transfer} transfer
 */
async function verified({ url, sha256, bytes }, transfer) {
  let found = "";
  // Once more past the browser's own cache: it may be what holds the wrong bytes.
  for (const cache of /** @type {const} */ (["default", "reload"])) {
    const content = await download(url, bytes, { ...transfer, cache });
    if ((found = await digest(content)) === sha256) return content;
  }
  throw new LoadError("integrity", `${url}: sha256 is ${found}, not ${sha256}`, { url });
}

/** @param {ArrayBuffer} content */
export async function digest(content) {
  if (!globalThis.crypto?.subtle) {
    throw new LoadError("insecure", "files cannot be checked here: serve the page over https");
  }
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Remote[]} files
 * @param {(progress: Progress) => void} onProgress
 */
function reporter(files, onProgress) {
  const states = files.map(({ url, bytes }) => ({ url, loaded: 0, total: bytes, cached: false }));
  const total = sum(files, "bytes");
  return (/** @type {number} */ index, /** @type {number} */ loaded, cached = false) => {
    Object.assign(states[index], { loaded, cached });
    const all = sum(states, "loaded");
    onProgress({ loaded: all, total, files: states.map((state) => ({ ...state })) });
  };
}

/**
 * @template {string} K
 * @param {Record<K, number>[]} items
 * @param {K} key
 */
const sum = (items, key) => items.reduce((total, item) => total + item[key], 0);

/**
 * Keeps files; where there is no room, makes some of what this load does not need.
 *
 * @param {string} name
 * @param {Set<string>} needed
 * @param {string[]} warnings
 */
function keeper(name, needed, warnings) {
  /** @type {Promise<void> | undefined} */
  let evicted;
  return async (/** @type {string} */ sha256, /** @type {ArrayBuffer} */ content) => {
    const cache = await openCache();
    const put = async () => cache.set(keyOf(sha256, name), content);
    try {
      await put().catch((error) => {
        if (error?.name !== "QuotaExceededError") throw error;
        return (evicted ??= evict(name, needed)).then(put);
      });
      if (cache instanceof Map) throw "this browser offers no storage here";
    } catch (error) {
      const said = `files are not kept for the next visit: ${error}`;
      if (!warnings.includes(said)) warnings.push(said);
    }
  };
}

/**
 * Call once a release has loaded: it is what a visit without network gets, and what its model
 * no longer uses is deleted.
 *
 * @param {Release} release
 */
export async function settle({ manifest, url, content, offline }) {
  const { name, artifacts, runtimes = {} } = manifest;
  const cache = await openCache();
  // Where there is no room, the visit without network is what is lost.
  if (!offline) await attempt(() => cache.set(keyOf(url, name), content));
  const all = [...artifacts, ...Object.values(runtimes)].flatMap((one) => one.files);
  await evict(name, new Set([url, ...all.map((file) => file.sha256)]));
}

/**
 * Deletes what a model keeps, but for some; other models' files stay.
 *
 * @param {string} name
 * @param {Set<string>} keep sha256 digests, and the URL of a release
 */
export async function evict(name, keep) {
  const cache = await openCache();
  const old = [...(await cache.keys())].filter((key) => {
    const [id, owner] = key.split("\n");
    return owner === name && !keep.has(id);
  });
  await Promise.all(old.map(cache.delete, cache));
}
