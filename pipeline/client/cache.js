/**
 * What outlives a page: in the Cache API, else IndexedDB, else (while the page lives) in memory.
 *
 * @typedef {object} Store as Map is one, but for promises
 * @property {(key: string) => Promise<ArrayBuffer | undefined> | ArrayBuffer | undefined} get
 * @property {(key: string, content: ArrayBuffer) => unknown} set
 * @property {() => Iterable<string> | Promise<Iterable<string>>} keys
 * @property {(key: string) => unknown} delete
 */

const PLACE = "model-pipeline";

/** @type {Promise<Store> | undefined} */
let opened;

/** The best that this browser offers here; the same one at every call. */
export const openCache = () =>
  (opened ??= cacheApi()
    .catch(indexedDb)
    .catch(() => new Map()));

/** @returns {Promise<Store>} */
async function cacheApi() {
  // Refused in some private windows, and in frames without storage.
  const cache = await caches.open(PLACE);
  // Keys have to be addresses; nothing is ever fetched from this one.
  const url = (key = "") => `https://${PLACE}.invalid/?` + encodeURIComponent(key);
  return {
    get: async (key) => (await cache.match(url(key)))?.arrayBuffer(),
    set: (key, content) => cache.put(url(key), new Response(content)),
    keys: async () =>
      (await cache.keys()).map((one) => decodeURIComponent(one.url.slice(url().length))),
    delete: (key) => cache.delete(url(key)),
  };
}

/** @returns {Promise<Store>} */
async function indexedDb() {
  const open = indexedDB.open(PLACE);
  open.onupgradeneeded = () => open.result.createObjectStore(PLACE);
  const database = await settled(open);
  /** @param {IDBTransactionMode} [mode] */
  const store = (mode) => database.transaction(PLACE, mode).objectStore(PLACE);
  return {
    get: (key) => settled(store().get(key)),
    set: (key, content) => settled(store("readwrite").put(content, key)),
    keys: () => settled(/** @type {IDBRequest<string[]>} */ (store().getAllKeys())),
    delete: (key) => settled(store("readwrite").delete(key)),
  };
}

/**
 * What a request gives; a write counts only once its transaction is kept, for which room may lack.
 *
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    const { transaction } = request;
    const done = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    if (!transaction) request.onsuccess = done;
    else {
      transaction.oncomplete = done;
      transaction.onabort = () => reject(transaction.error);
    }
  });
}
