/** Releases that only requests of the page's own get: it fetches their files, and `load` finds them kept. */
import { openCache } from "./cache.js";
import { choose } from "./choose.js";
import { probe } from "./device.js";
import { explained, LoadError, ModelError } from "./errors.js";
import { digest, fetchRelease, locate } from "./fetch.js";
import { PARALLEL } from "./limits.js";

/**
 * @typedef {import("./network.js").Network} Network
 * @typedef {(url: string) => Promise<ArrayBuffer>} Get
 * @typedef {{url: string, sha256: string, bytes: number}} Remote
 */

/** @type {typeof import("./network.js").through} */
export const through = (load, network) =>
  /** @type {typeof load} */ (
    async (url, options = {}) => {
      if (options.cascade) {
        throw new ModelError("input", "through fetches one artifact: leave cascade out");
      }
      const { href: address } = new URL(url, location.href);
      const { signal, artifact, backend, threads } = options;
      const get = getting(network, signal);
      const content = await manifestOf(address, get, options.integrity);
      const cache = await openCache();
      await cache.set(address, content).catch(unkept);
      const integrity = await (await import("./explain.js")).pinOf(await digest(content));
      const { manifest, base } = await fetchRelease(address, { signal, integrity });
      const device = await probe(JSON.stringify(manifest.runtimes), threads);
      const tiers = choose(manifest, device, { artifact, backend });
      const tried = [];
      for (const tier of tiers.filter(({ out }) => !out)) {
        const root = new URL("..", base).href;
        const { detector } = /** @type {any} */ (manifest.region ?? {});
        const finders = detector ? choose(detector, device, { backend: tier.backend }) : [];
        const files = [tier, ...finders.filter(({ out }) => !out).slice(0, 1)]
          .flatMap((one) => [...locate(root, one.parts), ...locate(base, one.artifact.files)])
          .filter(({ url }, index, all) => all.findIndex((other) => other.url === url) === index);
        await fetchAll(files, get, moving(network, root), options.onProgress);
        try {
          const wish = { artifact: tier.artifact.id, backend: /** @type {any} */ (tier.backend) };
          return await load(address, { ...options, ...wish, integrity, onProgress: undefined });
        } catch (/** @type {any} */ error) {
          if (error?.code !== "nothing") throw error;
          // Its own `load` would go on to the next; here that has to be fetched first.
          tried.push(...error.tried);
          tier.out = error.tried.at(-1)?.message ?? error.code;
        }
      }
      throw await explained("nothing", tiers, tried);
    }
  );

/**
 * @param {Network} network
 * @param {AbortSignal} [signal]
 * @returns {Get & {bare: Get}} with the caller's headers, and without
 */
function getting({ fetch: own = fetch, headers }, signal) {
  const by = (/** @type {RequestInit} */ init) => async (/** @type {string} */ url) => {
    const answer = await own(url, { ...init, signal }).catch((cause) => {
      signal?.throwIfAborted();
      const code = navigator.onLine ? "network" : "offline";
      throw new LoadError(code, `${url} cannot be fetched: ${cause}`, { url, cause });
    });
    const { ok, status } = answer;
    if (!ok) throw new LoadError("http", `${url}: HTTP ${status}`, { url, status });
    return answer.arrayBuffer();
  };
  return Object.assign(by({ headers }), { bare: by({}) });
}

/**
 * @param {Network} network
 * @param {string} root the CDN folder's
 * @returns {(url: string) => string | null} where a runtime's file lies instead; null for what stays
 */
const moving = ({ runtimes }, root) => {
  const from = `${root}runtimes/`;
  return (url) =>
    runtimes && url.startsWith(from) ? new URL(url.slice(from.length), runtimes).href : null;
};

/**
 * The bytes of the manifest that a URL names, as fetch.js finds it; where none comes, of the one that is kept.
 * @param {string} address
 * @param {Get} get
 * @param {string} [integrity]
 * @returns {Promise<ArrayBuffer>}
 */
async function manifestOf(address, get, integrity) {
  const pin = integrity && (await import("./explain.js")).hexOf(integrity);
  try {
    const content = await get(address);
    const { manifest, sha256 = await digest(content), page } = parsed(content);
    const wanted = [page, { path: manifest, sha256 }].find(
      (one) => one && (pin ?? one.sha256) === one.sha256,
    );
    if (!wanted) throw await explained("integrity", address, sha256);
    if (!wanted.path) return content;
    const [file] = locate(new URL(".", address).href, [wanted]);
    return await verified(file, get);
  } catch (/** @type {any} */ error) {
    const kept = await (await openCache()).get(address);
    if (!kept || pin || !/http|network|offline/.test(error.code)) throw error;
    return kept;
  }
}

/** @param {ArrayBuffer} content which may be anything */
function parsed(content) {
  try {
    return Object(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    return {};
  }
}

/**
 * @param {{url: string, sha256: string}} file
 * @param {Get} get
 * @param {string} [place] where it lies, if not at its URL
 */
async function verified({ url, sha256 }, get, place = url) {
  const content = await get(place);
  const found = await digest(content);
  if (found !== sha256) throw await explained("integrity", place, found, sha256, content);
  return content;
}

/**
 * Those that are not kept yet, side by side.
 * @param {Remote[]} files
 * @param {Get & {bare: Get}} get
 * @param {(url: string) => string | null} moved
 * @param {import("./index.js").LoadOptions["onProgress"]} [onProgress]
 */
async function fetchAll(files, get, moved, onProgress) {
  const cache = await openCache();
  const states = files.map(({ url, bytes }) => ({ url, loaded: 0, total: bytes, cached: false }));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const sum = { loaded: 0, total, fetched: 0, cached: 0, files: states };
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const index = next++;
      const file = files[index];
      const kept = await cache.get(file.sha256);
      const cached = !!kept && (await digest(kept)) === file.sha256;
      if (!cached) {
        const place = moved(file.url);
        // A host of runtimes is not told what the release's is.
        const content = await verified(file, place ? get.bare : get, place ?? undefined);
        await cache.set(file.sha256, content).catch(unkept);
      }
      Object.assign(states[index], { loaded: file.bytes, cached });
      sum.loaded += file.bytes;
      sum[cached ? "cached" : "fetched"] += file.bytes;
      onProgress?.({ ...sum });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
}

/** @param {unknown} reason */
const unkept = (reason) => {
  throw new ModelError(
    "environment",
    `fetch, headers and runtimes need a browser that keeps files: ${reason}`,
  );
};
