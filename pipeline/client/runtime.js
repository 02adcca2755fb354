/** Starts a runtime's bundle from verified bytes, and opens a model in it. */

/** @type {Map<string, Promise<any>>} bundles by URL: two models of one page share a runtime */
const bundles = new Map();

/**
 * @param {any} artifact
 * @param {any[]} parts the bundle and its own files
 * @param {any} manifest
 * @param {string} url of the bundle
 * @param {ArrayBuffer[]} buffers of the parts, then of the artifact's files
 * @param {number} threads
 */
export async function openRuntime(artifact, parts, { inputs, outputs }, url, buffers, threads) {
  const { open } = await bundle(url, buffers[0]);
  /** @type {Record<string, ArrayBuffer>} by the name that the entry, which lies beside them, gives */
  const files = {};
  artifact.files.forEach((/** @type {any} */ { path }, /** @type {number} */ i) => {
    files[path.slice(6)] = buffers[parts.length + i];
  });
  const { [artifact.entry.slice(6)]: entry, ...others } = files;
  /** @type {Record<string, string>} */
  const assets = {};
  parts.slice(1).forEach(({ name }, i) => (assets[name] = blobUrl(buffers[1 + i], 'application/wasm')));
  try {
    const { format } = artifact;
    return await open({ format, entry, files: others, assets, inputs, outputs, threads });
  } finally {
    Object.values(assets).forEach(URL.revokeObjectURL);
  }
}

/**
 * @param {string} url
 * @param {ArrayBuffer} code
 */
export function bundle(url, code) {
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
const blobUrl = (content, type) => URL.createObjectURL(new Blob([content], { type }));
