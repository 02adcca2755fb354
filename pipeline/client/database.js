/** Keeps files in IndexedDB, else in memory, where a browser refuses the Cache API: loaded only there. */

/** @typedef {import("./cache.js").Store} Store */

/**
 * @param {string} place what the database and its one store are called
 * @returns {Promise<Store>}
 */
export const open = (place) => database(place).catch(memory);

/** @type {Map<string, ArrayBuffer>} one for all that open it: index.js, and room.js */
const kept = new Map();

/** @returns {Store} */
function memory() {
  return {
    get: (key) => kept.get(key),
    set: async (key, content) => {
      kept.set(key, content);
      throw "this browser offers no storage here";
    },
    keys: () => [...kept.keys()],
    delete: (key) => kept.delete(key),
  };
}

/**
 * @param {string} place
 * @returns {Promise<Store>}
 */
async function database(place) {
  const request = indexedDB.open(place);
  request.onupgradeneeded = () => request.result.createObjectStore(place);
  const database = await settled(request);
  /** @param {IDBTransactionMode} [mode] */
  const store = (mode) => database.transaction(place, mode).objectStore(place);
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
