/**
 * Files by digest, kept from visit to visit: in the Cache API, else IndexedDB, else memory.
 *
 * Every model has a part of its own, named after it. What another model of the same page brought
 * (a runtime) is found too, and copied: evicting files of one never takes them from the other.
 *
 * @typedef {object} Cache
 * @property {boolean} lasts whether files outlive the page
 * @property {(key: string, name?: string) => Promise<ArrayBuffer | undefined>} get
 *   from any part; copied to the named one
 * @property {(name: string, key: string, content: ArrayBuffer) => Promise<unknown>} put
 * @property {(name: string) => Promise<string[]>} keys
 * @property {(name: string, key: string) => Promise<unknown>} remove
 */

const PLACE = "model-pipeline";

/** @type {Promise<Cache> | undefined} */
let opened;

/** The best that this browser offers here; the same one at every call. */
export function openCache() {
  opened ??= cacheApi()
    .catch(indexedDb)
    .catch(memory);
  return opened;
}

/** @returns {Promise<Cache>} */
async function cacheApi() {
  // Keys have to be addresses; nothing is ever fetched from this one.
  const address = `https://${PLACE}.invalid/`;
  const url = (/** @type {string} */ key) => address + encodeURIComponent(key);
  const part = (/** @type {string} */ name) => caches.open(`${PLACE}/${name}`);
  await part(""); // refused in some private windows, and in frames without storage
  return {
    lasts: true,
    async get(key, name) {
      const own = await part(name ?? "");
      let found = await own.match(url(key));
      if (!found && (found = await caches.match(url(key))) && name) {
        await own.put(url(key), found.clone());
      }
      return found?.arrayBuffer();
    },
    put: async (name, key, content) => (await part(name)).put(url(key), new Response(content)),
    keys: async (name) =>
      (await (await part(name)).keys()).map((one) =>
        decodeURIComponent(one.url.slice(address.length)),
      ),
    remove: async (name, key) => (await part(name)).delete(url(key)),
  };
}

/** @returns {Promise<Cache>} */
async function indexedDb() {
  const open = indexedDB.open(PLACE);
  open.onupgradeneeded = () => open.result.createObjectStore(PLACE);
  const database = await settled(open);
  /** @param {IDBTransactionMode} mode */
  const store = (mode) => database.transaction(PLACE, mode).objectStore(PLACE);
  /** @type {Cache["put"]} */
  const put = (name, key, content) => settled(store("readwrite").put(content, [key, name]));
  return {
    lasts: true,
    put,
    async get(key, name = "") {
      const own = await settled(store("readonly").get([key, name]));
      if (own) return own;
      const anyone = IDBKeyRange.bound([key], [key, []]);
      const [found] = await settled(store("readonly").getAll(anyone, 1));
      if (found && name) await put(name, key, found);
      return found;
    },
    async keys(name) {
      const all = /** @type {[string, string][]} */ (await settled(store("readonly").getAllKeys()));
      return all.filter(([, owner]) => owner === name).map(([key]) => key);
    },
    remove: (name, key) => settled(store("readwrite").delete([key, name])),
  };
}

/** @returns {Cache} */
function memory() {
  /** @type {Map<string, Map<string, Blob>>} key -> part -> content, which browsers may swap out */
  const all = new Map();
  return {
    lasts: false,
    get: async (key) => [...(all.get(key)?.values() ?? [])][0]?.arrayBuffer(),
    async put(name, key, content) {
      all.set(key, (all.get(key) ?? new Map()).set(name, new Blob([content])));
    },
    keys: async (name) => [...all.keys()].filter((key) => all.get(key)?.has(name)),
    remove: async (name, key) => all.get(key)?.delete(name),
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
    if (transaction) {
      transaction.oncomplete = done;
      transaction.onabort = () => reject(transaction.error);
    } else {
      request.onsuccess = done;
    }
    request.onerror = () => reject(request.error);
  });
}
