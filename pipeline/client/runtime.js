/** Starts a runtime's bundle from verified bytes, and opens a model in it. */

/** @type {Map<string, Promise<any>>} bundles by URL: two models of one page share a runtime */
const bundles = new Map();

/**
 * A runtime that starts while the model's own files still come.
 * @param {any[]} parts the bundle and its own files
 * @param {string} url of the bundle
 * @param {number} threads
 */
export function starting(parts, url, threads) {
  /** @type {Record<string, string>} */
  const assets = {};
  let missing = parts.length;
  /** @type {Promise<any>} of the bundle, the first of the parts */
  let code;
  /** @type {Promise<void>} */
  let ready;
  return {
    /**
     * @param {number} index of what came: of the parts, then of the model's files
     * @param {ArrayBuffer} content
     */
    take(index, content) {
      if (index >= parts.length) return;
      if (index) assets[parts[index].name] = blobUrl(content, 'application/wasm');
      else code = /** @type {Promise<any>} */ (bundle(url, content));
      if (--missing) return;
      ready = code.then(({ prepare }) => prepare?.({ assets, threads }));
      ready.catch(() => {}); // `open` says it
    },

    /**
     * @param {any} artifact
     * @param {any} manifest
     * @param {Promise<ArrayBuffer[]>} coming of the parts, then of the artifact's files
     */
    async open(artifact, { inputs, outputs }, coming) {
      try {
        const { entry, files } = named(artifact, (await coming).slice(parts.length));
        await ready;
        const { open } = await code;
        return await open({ format: artifact.format, entry, files, assets, inputs, outputs, threads });
      } finally {
        // Where a file does not come, the runtime may still be starting: the next tier shares that start.
        await ready?.catch(() => {});
        Object.values(assets).forEach(URL.revokeObjectURL);
      }
    },
  };
}

/**
 * An artifact's files by the names that its entry, which lies beside them, gives them.
 * @param {any} artifact
 * @param {ArrayBuffer[]} buffers
 */
export function named(artifact, buffers) {
  const all = artifact.files.map((/** @type {any} */ { path }, /** @type {number} */ i) => [path.slice(6), buffers[i]]);
  const { [artifact.entry.slice(6)]: entry, ...files } = Object.fromEntries(all);
  return { entry, files };
}

/**
 * @param {string} url
 * @param {ArrayBuffer} code
 */
function bundle(url, code) {
  if (!bundles.has(url)) {
    // Where a page's policy refuses blob: modules, what lies at the digest's own URL. The blob's is
    // not revoked: threads load the bundle again, whenever they start.
    const loading = import(blobUrl(code, 'text/javascript')).catch(() => import(url));
    loading.catch(() => bundles.delete(url));
    bundles.set(url, loading);
  }
  return bundles.get(url);
}

/**
 * @param {ArrayBuffer} content
 * @param {string} type
 */
export const blobUrl = (content, type) => URL.createObjectURL(new Blob([content], { type }));
