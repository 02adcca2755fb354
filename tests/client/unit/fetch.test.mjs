/** Releases and their files: from the cache by digest, else from the network, always checked. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { fetchFiles, fetchRelease, locate, settle } from "../../../pipeline/client/fetch.js";
import { answer, Caches, cut, drop, flip, longer, Network, sha256, timed } from "./network.mjs";

const BASE = "https://cdn.example/mobilenet/";
const LATEST = `${BASE}latest.json`;

/** @type {Network} */
let network;
const caches = new Caches();
beforeEach(() => {
  network = new Network();
  caches.kept.clear();
  caches.quota = Number.POSITIVE_INFINITY;
});

/** Files of so many bytes, by their digests. */
const filesOf = (...sizes) =>
  sizes.map((size, i) => {
    const content = new Uint8Array(size).fill(i + 1);
    return network.serve(`${BASE}files/${sha256(content)}.bin`, content);
  });

const sizes = (contents) => contents.map(({ byteLength }) => byteLength);
const fetched = (files, options) => timed(() => fetchFiles(files, options));

test("files come in their order, with progress that never runs backwards", async () => {
  const files = filesOf(3000, 10, 20, 700, 5, 1, 900, 50);
  const progress = [];
  const { value } = await fetched(files, {
    onProgress: (now) => progress.push(structuredClone(now)),
  });
  assert.deepEqual(
    sizes(value),
    files.map(({ bytes }) => bytes),
  );
  const last = progress.at(-1);
  assert.deepEqual(
    last.files.map(({ url, loaded, cached }) => [url, loaded, cached]),
    files.map(({ url, bytes }) => [url, bytes, false]),
  );
  assert.deepEqual([last.loaded, last.fetched, last.cached], [last.total, last.total, 0]);
  const loaded = progress.map((now) => now.loaded);
  assert.deepEqual(
    loaded,
    loaded.toSorted((a, b) => a - b),
  );
  assert.equal(network.requests.length, files.length);
});

test("progress ends at 1 also over faults, of which none is a step back", async () => {
  const files = filesOf(3000, 500, 400);
  network.fail(new RegExp(files[0].sha256), cut, 2);
  network.fail(new RegExp(files[1].sha256), flip, 1);
  network.fail(new RegExp(files[2].sha256), longer, 1);
  const shares = [];
  await fetched(files, { onProgress: ({ loaded, total }) => shares.push(loaded / total) });
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.equal(shares.at(-1), 1);
});

test("what comes first has the link until half of it is there", async () => {
  const files = filesOf(3000, 10, 20);
  const content = network.files.get(files[0].url);
  /** @type {ReadableStreamDefaultController} */
  let body;
  const start = (controller) => {
    body = controller;
  };
  network.fail(new RegExp(files[0].sha256), () => new Response(new ReadableStream({ start })));
  const asked = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    return network.requests.length;
  };
  const coming = fetchFiles(files, { first: 1 });
  await asked();
  body.enqueue(content.subarray(0, 1499));
  assert.equal(await asked(), 1);
  body.enqueue(content.subarray(1499, 1500));
  assert.equal(await asked(), 3);
  body.enqueue(content.subarray(1500));
  body.close();
  assert.deepEqual(sizes(await coming), [3000, 10, 20]);
});

test("where what comes first fails nothing else is asked for", async () => {
  const files = filesOf(3000, 10, 20);
  network.fail(new RegExp(files[0].sha256), answer(404));
  const { error } = await fetched(files, { first: 1 });
  assert.equal(error.code, "http");
  assert.deepEqual(network.seen(), [files[0].url]);
});

test("no more than six are asked for side by side", async () => {
  const files = filesOf(1, 2, 3, 4, 5, 6, 7, 8, 9);
  let [now, most] = [0, 0];
  network.fail(/./, async (content) => {
    most = Math.max(most, ++now);
    await new Promise((next) => setImmediate(next));
    now--;
    return new Response(content);
  });
  await fetchFiles(files);
  assert.equal(most, 6);
});

test("a missing file is said to be, once all that were asked for have ended", async () => {
  const files = filesOf(100, 200, 300);
  network.fail(new RegExp(files[1].sha256), answer(404));
  for (let visit = 0; visit < 2; visit++) {
    const { error } = await fetched(files);
    assert.deepEqual([error.name, error.code, error.status], ["LoadError", "http", 404]);
    assert.equal(error.message, `${files[1].url}: HTTP 404`);
  }
});

test("a flipped bit is fetched once more, past the browser's cache", async () => {
  const files = filesOf(100);
  network.fail(/bin/, flip, 1);
  assert.deepEqual(sizes((await fetched(files)).value), [100]);
  assert.deepEqual(
    network.requests.map(({ cache }) => cache),
    ["default", "reload"],
  );
});

for (const [name, fault] of Object.entries({ flipped: flip, longer })) {
  test(`wrong bytes are never used: ${name}`, async () => {
    const files = filesOf(100, 200);
    const [wrong] = files;
    network.fail(new RegExp(wrong.sha256), fault);
    const { error } = await fetched(files);
    assert.deepEqual([error.code, error.url], ["integrity", wrong.url]);
    assert.match(error.message, new RegExp(`: sha256 is \\w{64}, not ${wrong.sha256}$`));
    assert.equal(network.seen(new RegExp(wrong.sha256)).length, 2);
    assert.ok(!caches.keys.includes(wrong.sha256));
    network.heal();
    assert.deepEqual(sizes((await fetched(files)).value), [100, 200]);
  });
}

test("what arrived is kept, also where another file fails, and never fetched again", async () => {
  const files = filesOf(100, 200, 300);
  network.fail(new RegExp(files[1].sha256), drop);
  assert.equal((await fetched(files)).error.code, "network");
  network.heal();
  network.requests = [];
  let last;
  const keep = (now) => {
    last = now;
  };
  await fetched(files, { onProgress: keep });
  assert.deepEqual(network.seen(), [files[1].url]);
  assert.deepEqual([last.fetched, last.cached, last.total], [200, 400, 600]);
  assert.deepEqual(
    last.files.map(({ cached }) => cached),
    [true, false, true],
  );
});

test("a kept file that is not what it was is fetched anew", async () => {
  const files = filesOf(100);
  await fetched(files);
  for (const key of caches.kept.keys()) caches.kept.set(key, new Uint8Array(100));
  network.requests = [];
  assert.deepEqual(sizes((await fetched(files)).value), [100]);
  assert.equal(network.requests.length, 1);
});

test("an aborted fetch rejects with the signal's reason, and asks for nothing more", async () => {
  const files = filesOf(100, 200);
  const signal = AbortSignal.abort(new Error("enough"));
  assert.equal((await fetched(files, { signal })).error.message, "enough");
  assert.equal(network.requests.length, 0);
});

test("a manifest cannot name files elsewhere", () => {
  const root = "https://cdn.example/models/";
  const file = { path: "mobilenet/files/a.bin", sha256: "", bytes: 1 };
  assert.deepEqual(locate(root, [file]), [{ ...file, url: `${root}mobilenet/files/a.bin` }]);
  for (const path of [
    "../secret",
    "https://evil.example/a.bin",
    "//evil.example/a",
    "/other/a.bin",
    "files/%2e%2e/../../a",
    "..\\..\\a",
    "javascript:alert(1)",
  ]) {
    assert.throws(() => locate(root, [{ path }]), {
      name: "LoadError",
      code: "format",
      message: `${path} lies outside of ${root}`,
    });
  }
});

test("a manifest of a newer schema is refused in words that name both versions", async () => {
  network.serve(LATEST, JSON.stringify({ schema: 2, artifacts: [] }));
  const { error } = await timed(() => fetchRelease(LATEST));
  assert.equal(error.code, "format");
  assert.match(error.message, /manifests of schema 2, and model-pipeline-client .* reads up to 1/);
});

/** Publish a release, as a page finds it. */
const publish = (id, { page = true } = {}) => {
  const folder = `releases/${id}`;
  const manifest = JSON.stringify({ release: id, artifacts: [], labels: ["0"] });
  const own = JSON.stringify({ release: id, artifacts: [] });
  const whole = network.serve(`${BASE}${folder}/manifest.json`, manifest);
  const pages = network.serve(`${BASE}${folder}/page.json`, own);
  const pointer = {
    manifest: `${folder}/manifest.json`,
    sha256: whole.sha256,
    ...(page && { page: { path: `${folder}/page.json`, sha256: pages.sha256 } }),
  };
  network.serve(LATEST, JSON.stringify(pointer));
  return { whole, pages };
};

const released = (url = LATEST, options = undefined) => timed(() => fetchRelease(url, options));
const pinOf = (digest) => `sha256-${Buffer.from(digest, "hex").toString("base64")}`;

test("a channel, a page's manifest and the whole one name the same release", async () => {
  const { whole, pages } = publish("r1");
  for (const url of [LATEST, pages.url, whole.url]) {
    const { manifest, base, offline, warnings } = (await released(url)).value;
    assert.deepEqual([manifest.release, base, offline, warnings], ["r1", BASE, false, []]);
  }
  // Of the channel only what pages need is fetched.
  assert.deepEqual(network.seen(), [LATEST, pages.url, pages.url, whole.url]);
});

test("a release of before has no page's own manifest", async () => {
  const { whole } = publish("r1", { page: false });
  assert.deepEqual((await released()).value.manifest.labels, ["0"]);
  assert.deepEqual(network.seen(), [LATEST, whole.url]);
});

for (const content of ["<!doctype html>", "{}", "[1]", "null", ""]) {
  test(`what is no release is called so: ${JSON.stringify(content)}`, async () => {
    network.serve(`${BASE}other.json`, content);
    const { error } = await released(`${BASE}other.json`);
    assert.deepEqual([error.name, error.code], ["LoadError", "format"]);
    assert.match(
      error.message,
      /^https:\/\/cdn.example\/mobilenet\/other.json: this is no release/,
    );
  });
}

test("a manifest that the channel does not vouch for is none", async () => {
  const { pages } = publish("r1");
  network.fail(/page.json/, flip);
  const { error } = await released();
  assert.deepEqual([error.code, error.url], ["integrity", pages.url]);
});

test("a channel cannot name a manifest elsewhere", async () => {
  network.serve(LATEST, JSON.stringify({ manifest: "https://evil.example/m.json", sha256: "0" }));
  assert.equal((await released()).error.code, "format");
});

for (const [name, fault] of Object.entries({
  unreachable: drop,
  down: answer(503),
  gone: answer(404),
  refused: answer(403),
  "a web page": answer(200),
  cut,
})) {
  test(`a visit without network gets what it loaded last: ${name}`, async () => {
    publish("r1");
    await settle((await released()).value);
    network.fail(/mobilenet/, fault);
    const { value, ms } = await released();
    assert.deepEqual([value.manifest.release, value.offline], ["r1", true]);
    assert.match(value.warnings[0], /^the kept release runs: /);
    assert.ok(ms <= 4000, "nobody waits as long as for a first visit");
  });
}

test("a first visit without network says what is missing", async () => {
  network.fail(/mobilenet/, drop);
  const { error } = await released();
  assert.equal(error.code, "network");
  assert.equal(error.message, `${LATEST} cannot be fetched: TypeError: fetch failed`);
});

test("a kept release does not hide that bytes are others", async () => {
  publish("r1");
  await settle((await released()).value);
  publish("r2");
  network.fail(/page.json/, flip);
  assert.equal((await released()).error.code, "integrity");
});

test("what is aborted is aborted also where a release is kept", async () => {
  publish("r1");
  await settle((await released()).value);
  const reason = new Error("enough");
  assert.equal((await released(LATEST, { signal: AbortSignal.abort(reason) })).error, reason);
});

test("a pin is of either manifest, and of no other release", async () => {
  const { whole, pages } = publish("r1");
  for (const file of [whole, pages]) {
    const { manifest } = (await released(LATEST, { integrity: pinOf(file.sha256) })).value;
    assert.equal(manifest.release, "r1");
  }
  publish("r2");
  const { error } = await released(LATEST, { integrity: pinOf(whole.sha256) });
  assert.equal(error.code, "integrity");
  for (const integrity of ["", "sha256-", "sha512-abc", "no digest", pinOf("00")]) {
    assert.equal((await released(whole.url, { integrity })).error.code, "integrity", integrity);
  }
});

test("a pinned release that is here is asked of nobody", async () => {
  const { pages } = publish("r1");
  await settle((await released()).value);
  network.requests = [];
  const { value } = await released(LATEST, { integrity: pinOf(pages.sha256) });
  assert.deepEqual([value.manifest.release, network.seen()], ["r1", []]);
});

test("a second release deletes what only the one before named", async () => {
  const files = filesOf(100, 200, 300);
  const names = (...some) => JSON.stringify(some.map(({ sha256: digest }) => digest));
  await fetched(files);
  const release = (content, old) => {
    const bytes = new TextEncoder().encode(content).buffer;
    return { url: LATEST, content: bytes, old };
  };
  const [first, second] = [release(names(files[0], files[1])), names(files[1])];
  await settle(first);
  await settle(release(second, first.content));
  // The third one may be of a release that is on its way.
  assert.deepEqual(caches.keys.toSorted(), [files[1].sha256, files[2].sha256, LATEST].toSorted());
});

test("what another channel names stays", async () => {
  const files = filesOf(100, 200);
  await fetched(files);
  const content = (digest) => new TextEncoder().encode(JSON.stringify([digest])).buffer;
  await settle({ url: `${BASE}beta.json`, content: content(files[0].sha256) });
  await settle({
    url: LATEST,
    content: content(files[1].sha256),
    old: content(files[0].sha256),
  });
  assert.ok(caches.keys.includes(files[0].sha256));
});

test("where there is no room, the cache is all that it costs", async () => {
  caches.quota = 50;
  const warnings = [];
  const { value } = await fetched(filesOf(100, 200), { url: LATEST, warnings });
  assert.deepEqual(sizes(value), [100, 200]);
  assert.deepEqual(warnings, [
    "files are not kept for the next visit: QuotaExceededError: Quota exceeded.",
  ]);
});

test("a full cache makes room of what is not needed", async () => {
  const [old, ...files] = filesOf(500, 100, 200);
  await fetched([old]);
  caches.quota = 600;
  const warnings = [];
  await fetched(files, { url: LATEST, warnings });
  assert.deepEqual(warnings, []);
  assert.deepEqual(caches.keys.toSorted(), files.map(({ sha256: digest }) => digest).toSorted());
});

test("then it forgets releases of this model that were loaded by other URLs, and of no other", async () => {
  const [old, foreign, ...files] = filesOf(500, 400, 100, 200);
  await fetched([old, foreign]);
  const content = (file) => new TextEncoder().encode(file.sha256).buffer;
  const pinned = `${BASE}releases/r0/manifest.json`;
  // Put first, it would be forgotten first.
  await settle({ url: "https://cdn.example/other/latest.json", content: content(foreign) });
  await settle({ url: pinned, content: content(old) });
  caches.quota = 500 + 400 + 2 * 64 + 50;
  const warnings = [];
  await fetched(files, { url: LATEST, warnings });
  assert.deepEqual(warnings, []);
  assert.ok(!caches.keys.includes(pinned) && !caches.keys.includes(old.sha256));
  assert.ok(caches.keys.includes(foreign.sha256));
});

test("what a cascade's other artifact needs is no room", async () => {
  const [small, large] = filesOf(500, 200);
  await fetched([small]);
  caches.quota = 600;
  const warnings = [];
  await fetched([large], { url: LATEST, spare: small.sha256, warnings });
  assert.equal(warnings.length, 1);
  assert.deepEqual(caches.keys, [small.sha256]);
});

test("a page that cannot check says so", async () => {
  const { subtle } = crypto;
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  const { error } = await fetched(filesOf(100));
  Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
  assert.equal(error.code, "insecure");
  assert.equal(error.message, "files cannot be checked here: serve the page over https");
});
