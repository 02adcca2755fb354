/** Where files cannot be kept, and where some are kept for nothing: loaded only then. */
import { openCache, PLACE } from "./cache.js";

const FULL = "QuotaExceededError";

/**
 * Keeps a file that could not be kept; where there is no room, makes some.
 *
 * @param {any} error
 * @param {string} sha256
 * @param {ArrayBuffer} content
 * @param {{ sha256: string }[]} files all that the release needs now
 * @param {{ url?: string, spare?: string, warnings?: string[] }} options the release's, and a text that
 *   names what else of it is needed; what went wrong is added to `warnings`
 * @returns {Promise<void>} one file after another: what is being deleted for one makes room for all
 */
export const again = (error, sha256, content, files, options) =>
  (last = last.then(() => keep(error, sha256, content, files, options)));

let last = Promise.resolve();

/** @type {typeof again} */
async function keep(error, sha256, content, files, { url = "", spare = "", warnings = [] }) {
  try {
    if (error?.name !== FULL) throw error;
    const needed = new TextEncoder().encode(files.map((file) => file.sha256).join() + spare);
    await evict(url, needed);
    const cache = await openCache();
    for (;;) {
      try {
        await cache.set(sha256, content);
        return;
      } catch (/** @type {any} */ still) {
        if (still?.name !== FULL || !(await forget(url))) throw still;
        await evict(url, needed);
      }
    }
  } catch (reason) {
    const said = `files are not kept for the next visit: ${reason}`;
    if (!warnings.includes(said)) warnings.push(said);
  }
}

/**
 * Deletes the manifest that this model was loaded by longest ago under another URL, such as that of
 * one release: as long as it is there, what it names is.
 *
 * @param {string} url of a release
 * @returns {Promise<boolean>} whether there was one
 */
async function forget(url) {
  const { all, keys } = await opened();
  // A cache lists what was put first first, and a release that has loaded is put anew.
  const old = keys.find(
    (key) => key.includes(":") && key !== url && url && folder(key) === folder(url),
  );
  if (old) await all.delete(old);
  return !!old;
}

/**
 * A model's folder, as fetch.js finds it.
 *
 * @param {string} url of a release
 */
const folder = (url) => new URL(".", url.replace(/releases\/\w+\/\w+\.json/, "")).href;

async function opened() {
  const cache = await openCache();
  const all = /** @type {any} */ (cache.keys ? cache : await cacheApi());
  /** @type {string[]} */
  const keys = await all.keys();
  return { cache, all, keys };
}

/**
 * Deletes files that neither a release nor any other that is kept needs.
 *
 * @param {string} url of a release
 * @param {AllowSharedBufferSource} needed a text that names what it needs now
 * @param {ArrayBuffer} [old] a text that names what it needed before: nothing else is deleted, since
 *   another release may be on its way; without it, all that is not needed
 */
export async function evict(url, needed, old) {
  const { cache, all, keys } = await opened();
  // Of files they are digests.
  const files = keys.filter((key) => !key.includes(":"));
  let stay = textOf(needed);
  for (const key of keys) {
    if (key !== url && !files.includes(key)) stay += textOf(await cache.get(key));
  }
  const before = old ? textOf(old) : files.join();
  const gone = files.filter((key) => before.includes(key) && !stay.includes(key));
  await Promise.all(gone.map((key) => all.delete(key)));
}

/** @returns {Promise<string[]>} digests of files, and URLs of releases */
export const keptKeys = () => opened().then(({ keys }) => keys);

/** @param {string} [url] of a release; without, all is deleted */
export async function clear(url) {
  const { cache, all, keys } = await opened();
  const old = url && (await cache.get(url));
  if (old) {
    await all.delete(url);
    await evict(url, new ArrayBuffer(0), old);
  } else if (!url) await Promise.all(keys.map((key) => all.delete(key)));
}

/** What no first visit needs of it. */
async function cacheApi() {
  const cache = await caches.open(PLACE);
  return {
    keys: async () => (await cache.keys()).map(({ url }) => url.slice(PLACE.length)),
    delete: (/** @type {string} */ key) => cache.delete(PLACE + key),
  };
}

/** @param {AllowSharedBufferSource | undefined} content */
const textOf = (content) => new TextDecoder().decode(content);
