/** The code that a release brings for its task, where the page itself asks it. */
import { fetchFiles, locate } from "./fetch.js";
import { moduleOf } from "./runtime.js";

/**
 * @param {import("./fetch.js").Release} release
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the module; empty where there is none
 */
export async function codeOf({ manifest, base }, signal) {
  /** @type {any[]} */
  const parts = manifest.runtimes?.[manifest.task]?.files ?? [];
  const files = locate(new URL("..", base).href, parts);
  const contents = await fetchFiles(files, { signal });
  return files[0] ? moduleOf(files[0].url, contents[0]) : {};
}
