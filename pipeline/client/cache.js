/**
 * What outlives a page: in the Cache API, else IndexedDB, else (while the page lives) in memory.
 *
 * @typedef {object} Store
 * @property {(key: string) => Promise<ArrayBuffer | undefined> | ArrayBuffer | undefined} get
 * @property {(key: string, content: ArrayBuffer) => Promise<unknown>} set rejects where nothing outlives
 *   the page
 * @property {() => Promise<string[]> | string[]} [keys] of the Cache API, room.js asks that itself
 * @property {(key: string) => unknown} [delete]
 */

/** Of a cache, whose keys have to be addresses; nothing is ever fetched from this one. */
export const PLACE = "https://model-pipeline.invalid/?";

/** @type {Promise<Store> | null | undefined} */
let opened;

/** The best that this browser offers here; the same one at every call. */
export const openCache = () =>
  (opened ??= cacheApi()
    // Few browsers need it.
    .catch(async () => (await import("./database.js")).open(PLACE))
    // What did not come may come at the next call.
    .catch((error) => {
      opened = null;
      throw error;
    }));

/** @returns {Promise<Store>} */
const cacheApi = async () => {
  // Refused in some private windows, and in frames without storage.
  const cache = await caches.open(PLACE);
  return {
    get: async (key) => (await cache.match(PLACE + key))?.arrayBuffer(),
    set: (key, content) => cache.put(PLACE + key, new Response(content)),
  };
};
