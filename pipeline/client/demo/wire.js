/** Bytes on the wire, which are fewer than what is unpacked: a page is not told them, manifests are. */

import { ROOT } from "./catalog.js";

/**
 * What each file of a release is on the way here, by its name.
 * @param {any} manifest
 * @returns {Map<string, number>}
 */
export function wireOf({ artifacts, runtimes = {} }) {
  const parts = [...artifacts, ...Object.values(runtimes)];
  const files = parts.flatMap(({ files }) => files);
  const plain = sendsPlain();
  return new Map(
    files.map(({ path, bytes, br_bytes }) => [
      path.split("/").at(-1),
      plain ? bytes : (br_bytes ?? bytes),
    ]),
  );
}

/** Whether this host sends files as they are: it did so with this page's own. */
function sendsPlain() {
  const own = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType("resource"));
  return own.some(
    ({ name, transferSize, encodedBodySize, decodedBodySize }) =>
      name === new URL("demo/app.js", ROOT).href &&
      transferSize > 0 &&
      encodedBodySize === decodedBodySize,
  );
}
