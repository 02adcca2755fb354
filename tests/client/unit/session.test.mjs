/** A model opens on the best tier that answers, and goes on on the next where one fails. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import "./worker.mjs";
import { Session } from "../../../pipeline/client/session.js";
import { answer, Caches, drop, Network, timed } from "./network.mjs";

Object.assign(navigator, { userAgent: "Chrome/140", hardwareConcurrency: 4 });
globalThis.crossOriginIsolated = false;

// Node imports no blob: URL, so that code comes as where a page's policy refuses them: by its own URL.
const folder = mkdtempSync(`${tmpdir()}/session-`);
const ROOT = `${pathToFileURL(folder).href}/`;
after(() => rmSync(folder, { recursive: true }));

/** What runtimes do, by backend: each may throw. */
let opens = {};
let runs = {};
let log = [];
/** @type {Network} */
let network;
const caches = new Caches();
beforeEach(() => {
  [opens, runs, log] = [{}, {}, []];
  globalThis.runtime = { open: openOn };
  network = new Network();
  caches.kept.clear();
});

const openOn = async (backend, { artifact, contents }) => {
  const name = `${artifact.id} on ${backend}`;
  log.push(`open ${name}`);
  opens[name]?.();
  return {
    canary: true,
    details: { backend },
    run: async () => {
      runs[name]?.();
      return { y: { data: new Float32Array([contents[0].byteLength]) } };
    },
    memory: () => ({ tensors: 1 }),
    dispose: async () => log.push(`dispose ${name}`),
  };
};

/** A file of code, on the disk for Node and on the network for the client. */
const code = (name, text) => {
  writeFileSync(`${folder}/${name}`, text);
  const { bytes, sha256 } = network.serve(ROOT + name, text);
  return { name: "", path: name, bytes, sha256, features: [] };
};

const runtimeOf = (backend) => ({
  files: [
    code(
      `${backend}.js`,
      `export const prepare = async () => {};
       export const open = (delivery) => runtime.open("${backend}", delivery);`,
    ),
  ],
});

/** An artifact of so many bytes that passed on these backends. */
const artifactOf = (id, size, backends) => {
  const name = `${id.replace("/", "-")}.bin`;
  const { bytes, sha256 } = network.serve(`${ROOT}model/${name}`, new Uint8Array(size).fill(7));
  const latency = { median_ms: 2, first_ms: 4 };
  const hardware = { kind: "cpu" };
  return {
    ...{ id, format: id.split("/")[0], bytes, files: [{ path: name, bytes, sha256 }] },
    ...{ half_precision: {}, accuracy: null, dominated_by: null },
    validation: backends.map((backend) => ({
      ...{ backend, engine: "chromium", status: "pass", hardware, latency },
    })),
  };
};

const BOTH = ["tfjs-wasm", "ort-wasm"];
/** What a release brings for its task; before methods, scores alone. */
const CODE = {
  now: `export const inputOf = async (value) => ({ value });
        export const methods = {
          tell: ({ y }, { name }, { times = 1 }, { value }) => [name, value, y.data[0] * times],
        };`,
  parts: `export const takes = ["region", "rotation"];
          export const inputOf = async (value, manifest, files, asked) => ({ value, asked });
          export const methods = { tell: (outputs, manifest, options, { value, asked }) => [value, asked] };`,
  before: `export const inputOf = async (image) => image;
           export const answer = ({ y }) => [{ score: y.data[0] }, { score: 0 }];`,
};
/** Two artifacts on two backends: the smaller one on the first backend is the best. */
const releaseOf = ({ task = "now" } = {}) => {
  const runtimes = Object.fromEntries(BOTH.map((backend) => [backend, runtimeOf(backend)]));
  if (task) runtimes["a-task"] = { files: [code(`${task}.js`, CODE[task])] };
  const artifacts = [
    artifactOf("tfjs-graph/small", 1_000_000, ["tfjs-wasm"]),
    artifactOf("tfjs-graph/large", 3_000_000, ["tfjs-wasm"]),
    artifactOf("onnx/large", 5_000_000, ["ort-wasm"]),
  ];
  const manifest = { name: "m", release: "r", task: "a-task", source: { parameters: 1 } };
  return { manifest: { ...manifest, artifacts, runtimes }, base: `${ROOT}model/`, warnings: [] };
};
const [SMALL, LARGE, ONNX] = [
  "tfjs-graph/small on tfjs-wasm",
  "tfjs-graph/large on tfjs-wasm",
  "onnx/large on ort-wasm",
];

const hooks = { signal: new AbortController().signal };
const opened = (wish = {}, release = releaseOf(), more = {}) => {
  const session = new Session(release, wish);
  return session.open({ ...hooks, ...more });
};
const failing = (code) => () => {
  throw Object.assign(new Error(`it is ${code}`), { code });
};
const tried = ({ info }) =>
  info.tried.map((one) => `${one.artifact} on ${one.backend}: ${one.code}`);

test("it opens the best, and says what and why", async () => {
  const session = await opened();
  const { info } = session;
  assert.deepEqual([info.artifact, info.backend], ["tfjs-graph/small", "tfjs-wasm"]);
  const [why, because] = info.why;
  assert.match(
    why,
    /^tfjs-graph\/small on tfjs-wasm: \d+ bytes, 2.0 ms a run, proved in this engine, canary answered$/,
  );
  assert.equal(because, "least time");
  assert.deepEqual([info.tried, info.hardware], [[], { backend: "tfjs-wasm" }]);
  assert.equal(info.bytes.fetched, info.bytes.total);
  assert.deepEqual(log, [`open ${SMALL}`]);
});

test("a part is asked for of releases that read parts of images only", async () => {
  const session = await opened({}, releaseOf({ task: "parts" }));
  const region = { x: 1, y: 2, width: 3, height: 4 };
  for (const asked of [{ region }, { rotation: 30 }]) {
    const [answer] = await session.ask(hooks, "tell", "image", asked);
    assert.deepEqual(answer, ["image", asked]);
    for (const task of ["now", "before"]) {
      const other = await opened({}, releaseOf({ task }));
      const [method] = other.info.methods;
      await assert.rejects(other.ask(hooks, method, "image", asked), {
        code: "input",
        message: /was published before models read a region/,
      });
    }
  }
});

test("it tells what it holds, and of code that ran unchecked", async () => {
  const session = await opened();
  assert.deepEqual(await session.memory(hooks), { tensors: 1 });
  assert.equal(session.info.warnings.length, 2);
  for (const warning of session.info.warnings) assert.match(warning, /runs unchecked: CSP/);
});

test("a wrong answer to the canary costs one artifact", async () => {
  opens[SMALL] = failing("canary");
  const session = await opened();
  assert.equal(session.info.artifact, "tfjs-graph/large");
  assert.deepEqual(tried(session), [`${SMALL}: canary`]);
});

test("a backend that cannot start is tried once", async () => {
  opens[SMALL] = failing("unavailable");
  const session = await opened();
  assert.equal(session.info.artifact, "onnx/large");
  assert.deepEqual(log, [`open ${SMALL}`, `open ${ONNX}`]);
});

test("a missing shard costs the artifact, a missing runtime the backend", async () => {
  const release = releaseOf();
  network.fail(/small.bin/, answer(404));
  assert.equal((await opened({}, release)).info.artifact, "tfjs-graph/large");
  network.heal();
  network.fail(/tfjs-wasm.js/, answer(404));
  caches.kept.clear();
  const session = await opened({}, release);
  assert.equal(session.info.artifact, "onnx/large");
  assert.deepEqual(tried(session), [`${SMALL}: http`]);
});

test("a server that refuses one file may have another; one that is down has none", async () => {
  network.fail(/small.bin/, answer(503));
  const { value } = await timed(() => opened());
  assert.equal(value.info.artifact, "tfjs-graph/large");
  network.fail(/bin/, answer(503));
  caches.kept.clear();
  const { error } = await timed(() => opened());
  assert.deepEqual([error.code, error.status], ["http", 503]);
});

test("without a network nothing else is tried", async () => {
  network.fail(/bin/, drop);
  const { error } = await timed(() => opened());
  assert.equal(error.code, "network");
  assert.deepEqual(network.seen(/large/), []);
});

test("where nothing works all is listed, with what was tried", async () => {
  for (const tier of [SMALL, LARGE, ONNX]) opens[tier] = failing("canary");
  await assert.rejects(opened(), (error) => {
    assert.deepEqual([error.name, error.code, error.tried.length], ["ModelError", "nothing", 3]);
    for (const tier of [SMALL, LARGE, ONNX])
      assert.ok(error.message.includes(`${tier}: it is canary`), error.message);
    return true;
  });
});

test("what is asked for and not there is an error that lists what is", async () => {
  await assert.rejects(opened({ artifact: "tfjs-graph/fp64" }), {
    code: "input",
    message: `this release has not tfjs-graph/fp64 on any backend, but ${SMALL}, ${LARGE}, ${ONNX}`,
  });
  await assert.rejects(opened({ backend: "webgl" }), { message: /not any artifact on webgl/ });
});

test("what is asked for runs, and nothing takes its place", async () => {
  const session = await opened({ artifact: "onnx/large", backend: "ort-wasm" });
  assert.equal(session.info.artifact, "onnx/large");
  assert.equal(session.info.why[1], "asked for");
  opens[ONNX] = failing("canary");
  await assert.rejects(opened({ backend: "ort-wasm" }), { code: "nothing" });
});

for (const code of ["lost", "memory"]) {
  test(`where a run ends with ${code}, the next tier answers, and the first is freed`, async () => {
    const session = await opened();
    runs[SMALL] = failing(code);
    const [, artifact] = await session.ask(hooks, "tell", "hello", {});
    assert.equal(artifact, "tfjs-graph/large");
    assert.deepEqual(tried(session), [`${SMALL}: ${code}`]);
    assert.deepEqual(log, [`open ${SMALL}`, `dispose ${SMALL}`, `open ${LARGE}`]);
  });
}

test("an input that does not fit is no fault of a tier", async () => {
  const session = await opened();
  runs[SMALL] = failing("input");
  await assert.rejects(session.ask(hooks, "tell", "hello", {}), { code: "input" });
  assert.deepEqual(tried(session), []);
});

test("progress is no step back, also over tiers", async () => {
  opens[SMALL] = failing("canary");
  const shares = [];
  const onProgress = ({ loaded, total }) => shares.push(loaded / total);
  await opened({}, releaseOf(), { onProgress });
  assert.ok(shares.every((share, i) => !i || share >= shares[i - 1] - 1e-12));
  assert.ok(Math.abs(shares.at(-1) - 1) < 1e-12);
});

test("where the user saves data the fewest bytes are taken", async () => {
  navigator.connection = { saveData: true };
  const session = await opened();
  delete navigator.connection;
  assert.deepEqual(
    [session.info.artifact, session.info.why[1]],
    ["tfjs-graph/small", "fewest bytes"],
  );
});

test("a release without code for its task takes tensors only", async () => {
  const session = await opened({}, releaseOf({ task: "" }));
  assert.deepEqual(session.info.methods, []);
  assert.equal((await session.predict(hooks, {})).y.data[0], 1_000_000);
});

test("the release's code answers: of outputs, manifest, options, and what the input was made of", async () => {
  const session = await opened();
  assert.deepEqual(session.info.methods, ["tell"]);
  const small = [1_000_000, "tfjs-graph/small"];
  const [answer, artifact] = await session.ask(hooks, "tell", "hello", { times: 2 });
  assert.deepEqual([answer, artifact], [["m", "hello", 2 * small[0]], small[1]]);
});

test("a release of before is asked as it was, and says as much", async () => {
  const session = await opened({}, releaseOf({ task: "before" }));
  assert.deepEqual(session.info.methods, ["classify"]);
  const [scores] = await session.ask(hooks, "classify", {}, { top: 1 });
  assert.deepEqual(scores, [{ score: 1_000_000 }]);
  assert.equal((await session.ask(hooks, "classify", {}, {}))[0].length, 2);
  assert.equal(session.code.sure({ y: { data: [0.7] } }), 0.7);
});

test("a load that is aborted while it opens rejects with the reason, and tries nothing more", async () => {
  const control = new AbortController();
  const reason = new Error("enough");
  opens[SMALL] = () => {
    control.abort(reason);
    throw new Error("it failed meanwhile");
  };
  const session = new Session(releaseOf(), {});
  await assert.rejects(session.open({ signal: control.signal }), (error) => error === reason);
  assert.deepEqual(log, [`open ${SMALL}`]);
});
