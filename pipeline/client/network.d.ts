import type { load } from "./index.js";

/**
 * `load` for releases that need requests of the page's own: what is chosen for this device is fetched that way,
 * checked as always, and kept; then `load` finds it. Not with `cascade`. Needs a browser that keeps files.
 *
 *     const model = await through(load, { headers: { Authorization: `Bearer ${token}` } })(url, options);
 */
export function through<L extends typeof load>(load: L, network: Network): L;

export interface Network {
  /** In place of the browser's own, for all files; it may try again, or sign URLs. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Sent with each request, but for those to `runtimes`. */
  headers?: HeadersInit;
  /** The URL of a folder that has the files of the CDN folder's `runtimes/`; it ends in a slash. */
  runtimes?: string;
}
