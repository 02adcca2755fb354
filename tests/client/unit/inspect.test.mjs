/** What a release holds is told without loading it, and what is kept of it goes when that is asked for. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import "./worker.mjs";
import { PLACE } from "../../../pipeline/client/cache.js";
import { clear, inspect } from "../../../pipeline/client/inspect.js";
import { Caches, Network, sha256 } from "./network.mjs";

Object.assign(navigator, { userAgent: "Chrome/140", hardwareConcurrency: 4 });
Object.assign(globalThis, { crossOriginIsolated: false, createImageBitmap() {} });

// Node imports no blob: URL: the task's code comes by its own.
const folder = mkdtempSync(`${tmpdir()}/inspect-`);
const ROOT = `${pathToFileURL(folder).href}/`;
after(() => rmSync(folder, { recursive: true }));
const CODE = "export const methods = { tell() {}, more() {} };";
writeFileSync(`${folder}/task.js`, CODE);

const caches = new Caches();
/** @type {Network} */
let network;
beforeEach(() => {
  caches.kept.clear();
  network = new Network();
});

const file = (path, content, more) => {
  const { bytes, sha256 } = network.serve(ROOT + path, content);
  return { path, bytes, sha256, br_bytes: null, ...more };
};
const proof = (backend, status) => ({
  ...{ backend, engine: "chromium", status, hardware: { kind: "cpu" } },
  latency: { median_ms: 2, first_ms: 4 },
});
const artifactOf = (name, id, size, status) => ({
  ...{ id, format: id.split("/")[0], half_precision: {}, accuracy: { value: 0.5 }, bytes: size },
  files: [file(`${name}/files/${id.replace("/", "-")}`, new Uint8Array(size).fill(size), {})].map(
    (one) => ({ ...one, path: one.path.replace(`${name}/`, ""), br_bytes: size / 2 }),
  ),
  validation: [proof("tfjs-wasm", status)],
});

/** Two artifacts, of which the smaller failed its proof. @returns {string} the channel's URL */
const publish = (name = "m") => {
  const manifest = {
    ...{ schema: 1, name, release: "r", task: "a-task", license: "MIT", description: "d" },
    ...{ created: "2026-11-30T00:00:00Z", source: { parameters: 1 } },
    artifacts: [
      artifactOf(name, "tfjs-graph/uint8", 100, "fail"),
      artifactOf(name, "tfjs-graph/fp32", 300, "pass"),
    ],
    runtimes: {
      "tfjs-wasm": {
        files: [file("runtime.js", "throw new Error('it was loaded')", { name: "" })],
      },
      "a-task": { files: [file("task.js", CODE, { name: "" })] },
    },
  };
  const text = JSON.stringify(manifest);
  const { sha256: digest } = network.serve(`${ROOT}${name}/releases/r/page.json`, text);
  const page = { path: "releases/r/page.json", sha256: digest };
  network.serve(`${ROOT}${name}/latest.json`, JSON.stringify({ page }));
  return { url: `${ROOT}${name}/latest.json`, text, manifest };
};

const put = (key, content) => caches.kept.set(PLACE + key, content);
const keep = (content) => put(sha256(content), content);
const bytesOf = (text) => new TextEncoder().encode(text);

test("it tells what there is, what runs here and why not the other, and loads none of it", async () => {
  const { url, manifest } = publish();
  const found = await inspect(url);
  const { name, release, task, license, created } = found;
  assert.deepEqual([name, release, task, license], ["m", "r", "a-task", "MIT"]);
  assert.deepEqual([created, found.offline], [manifest.created, false]);
  assert.deepEqual(found.methods, ["tell", "more"]);
  const [small, large] = found.artifacts;
  assert.deepEqual(
    [small.id, small.format, small.accuracy],
    ["tfjs-graph/uint8", "tfjs-graph", 0.5],
  );
  assert.deepEqual([small.bytes, small.transfer, small.cached], [100, 50, 0]);
  assert.equal(large.files[0].url, `${ROOT}m/files/tfjs-graph-fp32`);
  assert.deepEqual(
    found.tiers.map(({ artifact, out }) => [artifact, out]),
    [
      ["tfjs-graph/fp32", null],
      ["tfjs-graph/uint8", "did not pass"],
    ],
  );
  const { chosen } = found;
  assert.deepEqual(
    [chosen.artifact, chosen.backend, chosen.ms],
    ["tfjs-graph/fp32", "tfjs-wasm", 2],
  );
  assert.deepEqual(
    chosen.files.map(({ url, cached }) => [url.slice(ROOT.length), cached]),
    [
      ["runtime.js", false],
      ["task.js", true],
      ["m/files/tfjs-graph-fp32", false],
    ],
  );
  assert.deepEqual(network.seen(/files|runtime/), []);
});

test("it tells what is cached, and what is asked for in place of the best", async () => {
  const { url } = publish();
  keep(new Uint8Array(300).fill(300));
  const { chosen, artifacts } = await inspect(url);
  assert.deepEqual([artifacts[0].cached, artifacts[1].cached], [0, 300]);
  assert.equal(chosen.cached, 300 + CODE.length);
  assert.equal((await inspect(url, { artifact: "tfjs-graph/uint8" })).chosen, null);
  await assert.rejects(inspect(url, { integrity: "sha256-AAAA" }), { code: "integrity" });
  await assert.rejects(inspect(`${ROOT}none.json`), { code: "http", status: 404 });
});

test("what one URL loaded is deleted, but for what another release needs; or all of it", async () => {
  const [one, other] = [publish("m"), publish("n")];
  put(one.url, bytesOf(one.text));
  put(other.url, bytesOf(other.text));
  keep(bytesOf(CODE));
  keep(new Uint8Array(300).fill(300));
  keep(bytesOf("of no release"));
  const own = bytesOf("only the first one's");
  keep(own);
  const more = { ...one.manifest, own: sha256(own) };
  put(one.url, bytesOf(JSON.stringify(more)));
  await clear(one.url);
  assert.deepEqual(
    caches.keys.sort(),
    [
      other.url,
      ...[bytesOf(CODE), new Uint8Array(300).fill(300), bytesOf("of no release")].map(sha256),
    ].sort(),
  );
  await clear(`${ROOT}never-loaded.json`);
  assert.equal(caches.keys.length, 4);
  await clear();
  assert.deepEqual(caches.keys, []);
});

test("where there is no browser it is told", async () => {
  const { createImageBitmap } = globalThis;
  globalThis.createImageBitmap = undefined;
  await assert.rejects(inspect("latest.json"), { code: "environment" });
  globalThis.createImageBitmap = createImageBitmap;
});
