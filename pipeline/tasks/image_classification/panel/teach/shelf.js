/** Heads that are kept in this browser, one of each model: IndexedDB. */

const NAME = "model-demo";
const STORE = "heads";

/** @typedef {{ zip: Uint8Array, labels: string[], saved: string }} Kept */

/**
 * @param {string} model
 * @param {Kept} kept
 */
export const keep = (model, kept) => transact("readwrite", (store) => store.put(kept, model));

/** @param {string} model @returns {Promise<Kept | undefined>} */
export const kept = (model) => transact("readonly", (store) => store.get(model));

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
async function transact(mode, work) {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await done(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    // It is kept when the transaction ends, not when the request does: the disk may be full.
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

/** @param {IDBRequest} request @returns {Promise<any>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
