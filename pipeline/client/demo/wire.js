/** Bytes on the wire, which are fewer than what is unpacked: a page is not told them, manifests are. */

import { ROOT } from "./catalog.js";

/**
 * What each file of a release is on the way here, by its name.
 * @param {any} manifest
 * @returns {Map<string, number>}
 */
export function wireOf({ artifacts, runtimes = {} }) {
  const parts = [...artifacts, ...Object.values(runtimes)];
  const plain = sendsPlain();
  return new Map(
    parts.flatMap(({ files, bytes, br_bytes }) => {
      // page.json tells what an artifact weighs in all; each of its files has its share of that.
      const share = br_bytes ? br_bytes / bytes : 1;
      return files.map((/** @type {any} */ file) => [
        file.path.split("/").at(-1),
        plain ? file.bytes : (file.br_bytes ?? Math.round(share * file.bytes)),
      ]);
    }),
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
