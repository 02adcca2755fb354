/** Where a browser offers neither the Cache API nor databases, files live as long as the page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openCache } from "../../../pipeline/client/cache.js";
import { fetchFiles } from "../../../pipeline/client/fetch.js";
import { evict } from "../../../pipeline/client/room.js";
import { Network, sha256 } from "./network.mjs";

test("they are kept in memory, and it is said", async () => {
  const network = new Network();
  const files = [100, 200].map((size) => {
    const content = new Uint8Array(size);
    return network.serve(`https://cdn.example/${sha256(content)}.bin`, content);
  });
  const warnings = [];
  await fetchFiles(files, { warnings });
  assert.deepEqual(warnings, [
    "files are not kept for the next visit: this browser offers no storage here",
  ]);
  network.requests = [];
  await fetchFiles(files, { warnings });
  assert.equal(network.requests.length, 0);
  assert.equal(warnings.length, 1);
  await evict("", new TextEncoder().encode(files[0].sha256));
  const cache = await openCache();
  assert.deepEqual(await cache.keys(), [files[0].sha256]);
});
