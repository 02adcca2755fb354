/** Releases behind requests of the page's own: fetched by these, and loaded of what is kept. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import "./worker.mjs";
import { loading } from "../../../pipeline/client/load.js";
import { through } from "../../../pipeline/client/network.js";
import { Caches, Network } from "./network.mjs";

Object.assign(navigator, { userAgent: "Chrome/140", hardwareConcurrency: 4 });
Object.assign(globalThis, {
  ...{ crossOriginIsolated: false, createImageBitmap() {} },
  document: { baseURI: "https://page.example/" },
});

const folder = mkdtempSync(`${tmpdir()}/network-`);
mkdirSync(`${folder}/runtimes`);
const ROOT = `${pathToFileURL(folder).href}/`;
const URL_OF = `${ROOT}m/latest.json`;
const RUNTIMES = "https://runtimes.example/v1/";
after(() => rmSync(folder, { recursive: true }));

/** @type {Network} */
let network;
const caches = new Caches();
/** What was asked for, with which token. */
let asked = [];
const TOKEN = { Authorization: "Bearer 1" };

beforeEach(() => {
  caches.kept.clear();
  caches.quota = Number.POSITIVE_INFINITY;
  network = new Network();
  asked = [];
  const open = globalThis.fetch;
  globalThis.fetch = async (url, init = {}) => {
    const token = init.headers?.Authorization;
    asked.push([String(url).replace(ROOT, ""), token]);
    const free = String(url).startsWith(RUNTIMES);
    return token || free ? open(url, init) : new Response("who are you?", { status: 401 });
  };
});

const file = (path, content, more) => {
  const { bytes, sha256 } = network.serve(ROOT + path, content);
  return { path, bytes, sha256, br_bytes: null, ...more };
};
const code = (path, text) => {
  writeFileSync(`${folder}/${path}`, text);
  return file(path, text, { name: "", features: [] });
};

const ARTIFACT = (id, size) => ({
  ...{ id, format: id.split("/")[0], half_precision: {}, accuracy: null, bytes: size },
  files: [file(`m/files/${size}.bin`, new Uint8Array(size).fill(size))].map((one) => ({
    ...one,
    path: one.path.replace("m/", ""),
  })),
  validation: [
    {
      ...{ backend: "ort-wasm", engine: "chromium", status: "pass" },
      ...{ hardware: { kind: "cpu" }, latency: { median_ms: 2, first_ms: 4 } },
    },
  ],
});

/** Two artifacts, the smaller the better; modules come by their own URLs, since Node imports no blob: one. */
const publish = (finds = false) => {
  const runtime = `export const prepare = async () => {};
    export const open = async ({ artifact, contents }) => {
      if (globalThis.broken === artifact.id) throw Object.assign(new Error("it breaks"), { code: "failed" });
      return { canary: true, details: {}, dispose: async () => {},
               run: async () => ({ y: contents[0].byteLength }) };
    };`;
  const task = `export const takes = [];
    export const inputOf = async () => ({});
    export const methods = { tell: ({ y }) => ({ bytes: y }) };`;
  const [one, other] = [code("runtimes/r.js", runtime), code("runtimes/t.js", task)];
  for (const { path } of [one, other])
    network.serve(RUNTIMES + path.replace("runtimes/", ""), network.files.get(ROOT + path));
  const manifest = {
    ...{ schema: 1, name: "m", release: "r", task: "a-task", source: { parameters: 1 } },
    artifacts: [ARTIFACT("onnx/small", 100), ARTIFACT("onnx/large", 300)],
    runtimes: { "ort-wasm": { files: [one] }, "a-task": { files: [other] } },
  };
  if (finds) {
    const detector = { ...manifest, artifacts: [ARTIFACT("onnx/finder", 70)] };
    Object.assign(manifest, { region: { max: 1, detector } });
  }
  const { sha256 } = network.serve(`${ROOT}m/releases/r/page.json`, JSON.stringify(manifest));
  const pointer = { page: { path: "releases/r/page.json", sha256 } };
  network.serve(URL_OF, JSON.stringify(pointer));
};

/** Node imports a module of the release by its URL: from the disk. */
const plain = loading(() => new URL(ROOT));
const load = (network, options) => through(plain, network)(URL_OF, { worker: false, ...options });
const paths = () => asked.map(([path]) => path);

test("headers go with each request, and load asks for nothing more", async () => {
  publish();
  const progress = [];
  const model = await load({ headers: TOKEN }, { onProgress: (one) => progress.push(one) });
  assert.equal((await model.tell("x")).bytes, 100);
  assert.deepEqual(paths().sort(), [
    "m/files/100.bin",
    "m/latest.json",
    "m/releases/r/page.json",
    "runtimes/r.js",
    "runtimes/t.js",
  ]);
  assert.ok(asked.every(([, token]) => token === TOKEN.Authorization));
  const { loaded, total, fetched, cached } = progress.at(-1);
  assert.deepEqual([loaded, fetched, cached], [total, total, 0]);
  await model.dispose();
  asked = [];
  await (await load({ headers: TOKEN })).dispose();
  assert.deepEqual(paths(), ["m/latest.json", "m/releases/r/page.json"]);
});

test("what a detector needs goes the same way", async () => {
  publish(true);
  await (await load({ headers: TOKEN })).dispose();
  assert.deepEqual(paths().sort(), [
    ...["m/files/100.bin", "m/files/70.bin", "m/latest.json", "m/releases/r/page.json"],
    ...["runtimes/r.js", "runtimes/t.js"],
  ]);
  assert.ok(asked.every(([, token]) => token === TOKEN.Authorization));
});

test("a fetch of the page's own gets all, and runtimes come from elsewhere without its headers", async () => {
  publish();
  const urls = [];
  const own = (url, init) => {
    urls.push(url);
    return fetch(url, { ...init, headers: url.startsWith(RUNTIMES) ? init.headers : TOKEN });
  };
  const model = await load({ fetch: own, runtimes: RUNTIMES });
  await model.dispose();
  assert.deepEqual(urls.filter((url) => url.startsWith(RUNTIMES)).length, 2);
  assert.equal(urls.length, asked.length);
  caches.kept.clear();
  asked = [];
  await (await load({ headers: TOKEN, runtimes: RUNTIMES })).dispose();
  for (const [url, token] of asked) assert.equal(!!token, !url.startsWith(RUNTIMES), url);
});

test("where an artifact does not work the next is fetched", async () => {
  publish();
  globalThis.broken = "onnx/small";
  const model = await load({ headers: TOKEN });
  assert.equal((await model.tell("x")).bytes, 300);
  await model.dispose();
  const forced = load({ headers: TOKEN }, { artifact: "onnx/small" });
  await assert.rejects(forced, ({ code, message, tried }) => {
    assert.match(message, /onnx\/small on ort-wasm: it breaks/);
    return code === "nothing" && tried.length === 1;
  });
  delete globalThis.broken;
});

test("what is not the published is refused, and what a pointer names stays in its folder", async () => {
  publish();
  const path = "m/files/100.bin";
  network.files.set(ROOT + path, new Uint8Array(100));
  await assert.rejects(load({ headers: TOKEN }), { code: "integrity" });
  await assert.rejects(load({ headers: TOKEN }, { integrity: "sha256-AAAA" }), {
    code: "integrity",
  });
  network.serve(URL_OF, JSON.stringify({ manifest: "https://evil.example/m", sha256: "0" }));
  await assert.rejects(load({ headers: TOKEN }), { code: "format" });
  assert.ok(!paths().some((one) => one.includes("evil")));
});

test("without an answer the kept release runs, and errors are those of load", async () => {
  publish();
  await assert.rejects(load({}), { name: "LoadError", code: "http", status: 401 });
  await (await load({ headers: TOKEN })).dispose();
  const down = async () => {
    throw new TypeError("Failed to fetch");
  };
  const model = await load({ fetch: down });
  assert.equal((await model.tell("x")).bytes, 100);
  await model.dispose();
  caches.kept.clear();
  await assert.rejects(load({ fetch: down }), { name: "LoadError", code: "network" });
  await assert.rejects(load({ headers: TOKEN }, { cascade: true }), { code: "input" });
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(load({ headers: TOKEN }, { signal }), { message: "enough" });
  caches.quota = 10;
  await assert.rejects(load({ headers: TOKEN }), { code: "environment", message: /keeps files/ });
});
