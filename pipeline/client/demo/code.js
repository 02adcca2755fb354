/** The code that a release brings for its task, as the client has fetched and kept it. */

import { fetchFiles, locate } from "../fetch.js";
import { ROOT } from "./catalog.js";

/** @type {Record<string, Promise<any>>} */
const modules = {};

/**
 * @param {any} manifest
 * @param {string} [root] of the CDN folder
 * @returns {Promise<any>} its module
 */
export function codeOf({ runtimes, task }, root = ROOT.href) {
  const [file] = runtimes[task].files;
  return (modules[file.path] ??= imported(file, root));
}

/** @param {any} file @param {string} root */
async function imported(file, root) {
  const [content] = await fetchFiles(locate(root, [file]));
  const url = URL.createObjectURL(new Blob([content], { type: "text/javascript" }));
  try {
    return await import(/** @type {any} */ (url));
  } finally {
    URL.revokeObjectURL(url);
  }
}
