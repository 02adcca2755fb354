/** The rule by which an artifact and a backend are chosen, on releases and devices of all kinds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./worker.mjs";
import { choose } from "../../../pipeline/client/choose.js";
import { reason } from "../../../pipeline/client/explain.js";

/** Of each runtime its files: KB after brotli, and what a browser has to have. */
const RUNTIMES = {
  "tfjs-wasm": {
    "": [150, []],
    plain: [100, []],
    simd: [100, ["simd"]],
    threads: [110, ["simd", "threads"]],
  },
  "tfjs-webgl": { "": [200, []] },
  "tfjs-webgpu": { "": [200, []] },
  "ort-wasm": { "": [30, []], wasm: [3000, ["simd"]] },
  "ort-webgpu": { "": [30, []], wasm: [5000, ["simd"]] },
};

const runtime = ([backend, parts]) => {
  const files = Object.entries(parts).map(([name, [kb, features]]) => ({
    name,
    path: `${backend}/${name}`,
    features,
    bytes: kb * 3000,
    br_bytes: kb * 1000,
  }));
  return [backend, { entry: files[0].path, files }];
};

const manifestOf = (artifacts, more) => ({
  artifacts,
  source: { parameters: 10_000_000 },
  runtimes: Object.fromEntries(Object.entries(RUNTIMES).map(runtime)),
  ...more,
});

const proof = (target, ms, { kind = "cpu", status = "pass" } = {}) => {
  const [backend, engine = null] = target.split("@");
  const latency = { median_ms: ms, first_ms: 2 * ms };
  return { backend, engine, status, hardware: { kind }, latency };
};

const artifact = (id, kb, validation, more) => ({
  id,
  format: id.split("/")[0],
  bytes: kb * 2000,
  br_bytes: kb * 1000,
  validation,
  dominated_by: null,
  accuracy: { value: 0.98 },
  half_precision: { safe: null },
  ...more,
});

const device = (more) => ({
  engine: "chromium",
  features: ["simd"],
  threads: 1,
  webgl: null,
  webgpu: null,
  speed: 1_250_000,
  sparing: false,
  ...more,
});

const GPU = { software: false, bits: 32, f16: true, maxBytes: 2 ** 31 };
const [GRAPH, SMALL, ONNX] = ["tfjs-graph/fp32", "tfjs-graph/uint8", "onnx/fp32"];

/** What runs, the best first, as `artifact on backend`; and what does not, each with its reason. */
const chosen = (artifacts, where, wish = {}, more = {}) => {
  const all = choose(manifestOf(artifacts, more), where, wish);
  const named = (tier) => `${tier.artifact.id} on ${tier.backend}`;
  return {
    tiers: all.filter(({ out }) => !out).map(named),
    out: all.filter(({ out }) => out).map((tier) => `${named(tier)}: ${reason(tier)}`),
    parts: all.filter(({ out }) => !out).map(({ parts }) => parts.map(({ name }) => name)),
  };
};

const WASM = [proof("tfjs-wasm@chromium", 5)];

test("fewer bytes win where runs are alike", () => {
  const { tiers } = chosen([artifact(GRAPH, 900, WASM), artifact(SMALL, 250, WASM)], device());
  assert.deepEqual(tiers, [`${SMALL} on tfjs-wasm`, `${GRAPH} on tfjs-wasm`]);
});

test("faster runs win where they make up for bytes", () => {
  const artifacts = [
    artifact(GRAPH, 900, WASM),
    artifact(SMALL, 250, [proof("tfjs-wasm@chromium", 50)]),
  ];
  const first = (more) => chosen(artifacts, device(more)).tiers[0];
  assert.equal(first(), `${GRAPH} on tfjs-wasm`);
  assert.equal(first({ speed: 50_000 }), `${SMALL} on tfjs-wasm`);
  assert.equal(first({ sparing: true }), `${SMALL} on tfjs-wasm`);
});

test("a GPU is used where it was measured on one", () => {
  const wasm = proof("tfjs-wasm@chromium", 50);
  const on = (kind) => [artifact(GRAPH, 900, [wasm, proof("tfjs-webgpu@chromium", 4, { kind })])];
  assert.equal(chosen(on("gpu"), device({ webgpu: GPU })).tiers[0], `${GRAPH} on tfjs-webgpu`);
  const rasterizer = device({ webgpu: { ...GPU, software: "SwiftShader: no GPU" } });
  assert.deepEqual(chosen(on("gpu"), rasterizer).tiers, [
    `${GRAPH} on tfjs-wasm`,
    `${GRAPH} on tfjs-webgpu`,
  ]);
  assert.equal(chosen(on("software"), device({ webgpu: GPU })).tiers[0], `${GRAPH} on tfjs-wasm`);
  const { tiers, out } = chosen(on("gpu"), device());
  assert.deepEqual(tiers, [`${GRAPH} on tfjs-wasm`]);
  assert.deepEqual(out, [`${GRAPH} on tfjs-webgpu: not offered by this browser to workers`]);
});

test("what was proved in this engine comes first", () => {
  const artifacts = [
    artifact(SMALL, 250, WASM),
    artifact(ONNX, 900, [proof("ort-wasm@firefox", 5)]),
  ];
  const first = (engine) => chosen(artifacts, device({ engine })).tiers[0];
  assert.equal(first("firefox"), `${ONNX} on ort-wasm`);
  assert.equal(first("webkit"), `${SMALL} on tfjs-wasm`);
});

test("what failed in this engine is out", () => {
  const mixed = [...WASM, proof("tfjs-wasm@webkit", 5, { status: "fail" })];
  const artifacts = [artifact(SMALL, 250, mixed)];
  assert.deepEqual(chosen(artifacts, device({ engine: "firefox" })).tiers, [
    `${SMALL} on tfjs-wasm`,
  ]);
  assert.deepEqual(chosen(artifacts, device({ engine: "webkit" })).tiers, []);
});

test("half precision asks for a proof", () => {
  const webgl = [proof("tfjs-webgl@chromium", 5, { kind: "gpu" })];
  const phone = device({ webgl: { ...GPU, bits: 16 } });
  for (const safe of [true, false, null]) {
    const artifacts = [artifact(GRAPH, 900, webgl, { half_precision: { safe } })];
    const { tiers, out } = chosen(artifacts, phone);
    assert.deepEqual(tiers, safe ? [`${GRAPH} on tfjs-webgl`] : []);
    assert.deepEqual(out, safe ? [] : [`${GRAPH} on tfjs-webgl: not safe in 16 bits`]);
    assert.deepEqual(chosen(artifacts, device({ webgl: GPU })).tiers, [`${GRAPH} on tfjs-webgl`]);
  }
});

test("a GPU's limits count", () => {
  const half = [artifact("onnx/fp16", 900, [proof("ort-webgpu@chromium", 5, { kind: "gpu" })])];
  const on = (more) => chosen(half, device({ webgpu: { ...GPU, ...more } }));
  assert.deepEqual(on().tiers, ["onnx/fp16 on ort-webgpu"]);
  assert.deepEqual(on({ f16: false }).out, ["onnx/fp16 on ort-webgpu: no 16-bit shaders"]);
  // Ten million parameters may be one tensor of 40 MB.
  assert.deepEqual(on({ maxBytes: 2 ** 25 }).out, [
    "onnx/fp16 on ort-webgpu: too large for the GPU",
  ]);
});

test("dominated artifacts come last unless they are asked for", () => {
  const beaten = artifact(GRAPH, 100, WASM, { dominated_by: SMALL });
  const artifacts = [beaten, artifact(SMALL, 250, WASM)];
  const both = [`${SMALL} on tfjs-wasm`, `${GRAPH} on tfjs-wasm`];
  const tiers = (wish) => chosen(artifacts, device(), wish).tiers;
  assert.deepEqual(tiers(), both);
  assert.deepEqual(tiers({ artifact: GRAPH }), [both[1]]);
  assert.deepEqual(tiers({ backend: "tfjs-wasm" }), [both[1], both[0]]);
});

test("a dominated artifact runs where the better one does not", () => {
  const artifacts = [
    artifact(ONNX, 100, [proof("ort-wasm@chromium", 5)], { dominated_by: "onnx/int8" }),
    artifact("onnx/int8", 80, [proof("ort-webgpu@chromium", 1, { kind: "gpu" })]),
  ];
  const gpu = device({ webgpu: GPU });
  assert.deepEqual(chosen(artifacts, device()).tiers, [`${ONNX} on ort-wasm`]);
  assert.deepEqual(chosen(artifacts, gpu, { backend: "ort-wasm" }).tiers, [`${ONNX} on ort-wasm`]);
  assert.equal(chosen(artifacts, gpu).tiers[0], "onnx/int8 on ort-webgpu");
});

test("of equals the safer is taken", () => {
  const equals = [
    artifact(SMALL, 250, WASM, { accuracy: { value: 0.97 } }),
    artifact(GRAPH, 252, WASM, { accuracy: { value: 0.99 } }),
  ];
  assert.equal(chosen(equals, device()).tiers[0], `${GRAPH} on tfjs-wasm`);
});

test("of equals the one with the lower error is taken, where less is better", () => {
  const equals = [
    artifact(SMALL, 250, WASM, { accuracy: { value: 12.5 } }),
    artifact(GRAPH, 252, WASM, { accuracy: { value: 3 } }),
  ];
  const manifest = manifestOf(equals, { accuracy: { value: 3, better: "lower" } });
  const ids = choose(manifest, device(), {}).map((tier) => tier.artifact.id);
  assert.deepEqual(ids, [GRAPH, SMALL]);
});

test("the wasm build follows what there is", () => {
  const wasm = [artifact(SMALL, 250, WASM)];
  const parts = (...features) => chosen(wasm, device({ features })).parts;
  assert.deepEqual(parts(), [["", "plain"]]);
  assert.deepEqual(parts("simd"), [["", "simd"]]);
  assert.deepEqual(parts("simd", "threads"), [["", "threads"]]);
  // As a device says that it lacks something.
  assert.deepEqual(parts(false, false), [["", "plain"]]);
  const onnx = [artifact(ONNX, 250, [proof("ort-wasm@chromium", 5)])];
  assert.deepEqual(chosen(onnx, device({ features: [] })).tiers, []);
});

test("a file in parts comes whole, and the task's code comes last", () => {
  const features = ["simd"];
  const part = (name, needs) => ({ name, features: needs, bytes: 1 });
  const runtimes = {
    "ort-wasm": { files: [part("js", []), part("a.wasm", features), part("a.wasm.1", features)] },
    "a-task": { files: [part("task", [])] },
  };
  const onnx = [artifact(ONNX, 250, [proof("ort-wasm@chromium", 5)])];
  const { parts } = chosen(onnx, device(), {}, { runtimes, task: "a-task" });
  assert.deepEqual(parts, [["js", "a.wasm", "a.wasm.1", "task"]]);
});

test("what no browser can run is out", () => {
  const unavailable = { backend: "tfjs-wasm", engine: "webkit", status: "unavailable" };
  const native = proof("onnxruntime-cpu", 5);
  const nowhere = chosen([artifact(SMALL, 250, [unavailable, native])], device());
  assert.deepEqual(nowhere.tiers, []);
  assert.deepEqual(nowhere.out, [`${SMALL} on tfjs-wasm: did not pass`]);
  const unpublished = chosen([artifact(SMALL, 250, [proof("tfjs-cpu@chromium", 5)])], device());
  assert.deepEqual(unpublished.tiers, []);
  assert.deepEqual(unpublished.out, [`${SMALL} on tfjs-cpu: no runtime in this release`]);
});

test("a wish leaves only what it names", () => {
  const gpu = proof("tfjs-webgl@chromium", 9, { kind: "gpu" });
  const artifacts = [artifact(GRAPH, 900, [...WASM, gpu]), artifact(SMALL, 250, WASM)];
  const tiers = (wish) => chosen(artifacts, device({ webgl: GPU }), wish).tiers;
  assert.deepEqual(tiers({ backend: "tfjs-webgl" }), [`${GRAPH} on tfjs-webgl`]);
  assert.deepEqual(tiers({ artifact: GRAPH }).toSorted(), [
    `${GRAPH} on tfjs-wasm`,
    `${GRAPH} on tfjs-webgl`,
  ]);
  assert.deepEqual(tiers({ artifact: "none" }), []);
});

test("a layers model asks for its own runtime", () => {
  const layers = [artifact("tfjs-layers/fp32", 900, WASM)];
  const file = { name: "", features: [], bytes: 1 };
  const runtimes = { "tfjs-wasm": { files: [file] } };
  assert.deepEqual(chosen(layers, device(), {}, { runtimes }).out, [
    "tfjs-layers/fp32 on tfjs-wasm: no runtime in this release",
  ]);
  runtimes["tfjs-wasm-layers"] = { files: [{ ...file, name: "own" }] };
  assert.deepEqual(chosen(layers, device(), {}, { runtimes }).parts, [["own"]]);
});
