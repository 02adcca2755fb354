/** Where files cannot be kept, and where some are kept for nothing: loaded only then. */
import { PLACE, openCache } from "./cache.js";

/**
 * Keeps a file that could not be kept; where there is no room, makes some.
 *
 * @param {any} error
 * @param {string} sha256
 * @param {ArrayBuffer} content
 * @param {{ sha256: string }[]} files all that the release needs now
 * @param {{ url?: string, warnings?: string[] }} options the release's; what went wrong is added to it
 */
export async function again(error, sha256, content, files, { url = "", warnings = [] }) {
  try {
    if (error?.name !== "QuotaExceededError") throw error;
    await evict(url, new TextEncoder().encode(files.map((file) => file.sha256).join()));
    await (await openCache()).set(sha256, content);
  } catch (reason) {
    const said = `files are not kept for the next visit: ${reason}`;
    if (!warnings.includes(said)) warnings.push(said);
  }
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
  const cache = await openCache();
  const all = /** @type {any} */ (cache.keys ? cache : await cacheApi());
  /** @type {string[]} */
  const keys = await all.keys();
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
