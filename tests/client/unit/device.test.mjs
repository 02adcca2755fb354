/** What a browser says of itself, and what is made of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./worker.mjs";
import { probe } from "../../../pipeline/client/device.js";

const AGENTS = {
  chromium:
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
  firefox: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  webkit:
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
};

/** The device that such a navigator is taken for. */
const probed = (navigator = {}, { backends = "ort-wasm", wished, isolated = false } = {}) => {
  const value = { userAgent: AGENTS.chromium, hardwareConcurrency: 8, ...navigator };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  globalThis.crossOriginIsolated = isolated;
  return probe(backends, wished);
};

test("engines are told by their names", async () => {
  for (const [engine, userAgent] of Object.entries(AGENTS))
    assert.equal((await probed({ userAgent })).engine, engine);
});

test("threads need an isolated page, and are half of the cores, up to four", async () => {
  const threads = async (cores, options) => {
    const { threads: count, features } = await probed({ hardwareConcurrency: cores }, options);
    assert.equal(features[1] === "threads", count > 1);
    return count;
  };
  const isolated = true;
  assert.equal(await threads(8), 1);
  assert.deepEqual(
    [
      await threads(2, { isolated }),
      await threads(6, { isolated }),
      await threads(64, { isolated }),
    ],
    [1, 3, 4],
  );
  assert.equal(await threads(2, { isolated, wished: 2 }), 2);
  assert.equal(await threads(8, { isolated, wished: 1 }), 1);
});

test("Firefox gets threads only where they are asked for", async () => {
  const firefox = { userAgent: AGENTS.firefox };
  assert.equal((await probed(firefox, { isolated: true })).threads, 1);
  assert.equal((await probed(firefox, { isolated: true, wished: 3 })).threads, 3);
});

test("SIMD is found by a module that needs it", async () => {
  assert.equal((await probed()).features[0], "simd");
});

test("only bytes count where the user saves data, on a slow link, and on a small device", async () => {
  const sparing = async (more) => Boolean((await probed(more)).sparing);
  assert.equal(await sparing({}), false);
  assert.equal(await sparing({ deviceMemory: 2 }), false);
  assert.equal(await sparing({ deviceMemory: 1 }), true);
  assert.equal(await sparing({ connection: { saveData: true } }), true);
  assert.equal(await sparing({ connection: { effectiveType: "slow-2g" } }), true);
  assert.equal(await sparing({ connection: { effectiveType: "4g" } }), false);
});

test("megabits become bytes a second; who measures none has a slow line", async () => {
  assert.equal((await probed({ connection: { downlink: 2 } })).speed, 250_000);
  assert.equal((await probed()).speed, 1_250_000);
});

/** WebGPU with such an adapter, or none. */
const gpu = (adapter) => ({ gpu: { requestAdapter: async () => adapter } });
const ADAPTER = {
  info: { vendor: "v", architecture: "a", description: "d" },
  limits: { maxStorageBufferBindingSize: 2 ** 27 },
  features: new Set(["shader-f16"]),
};
const ASKED = { backends: "ort-webgpu" };

test("WebGPU is described by its adapter", async () => {
  assert.deepEqual((await probed(gpu(ADAPTER), ASKED)).webgpu, {
    software: false,
    f16: true,
    maxBytes: 2 ** 27,
  });
  assert.equal((await probed(gpu(ADAPTER))).webgpu, null, "nobody asked for it");
});

test("what has none, or refuses to say, has no WebGPU", async () => {
  assert.equal((await probed(gpu(null), ASKED)).webgpu, null);
  assert.equal((await probed({}, ASKED)).webgpu ?? null, null);
  const refused = { gpu: { requestAdapter: () => Promise.reject(new Error("no")) } };
  assert.equal((await probed(refused, ASKED)).webgpu, null);
});

test("a rasterizer is never called a GPU: by its name, or by its own word", async () => {
  const software = async (info) =>
    (await probed(gpu({ ...ADAPTER, info: { ...ADAPTER.info, ...info } }), ASKED)).webgpu.software;
  assert.equal(
    await software({ architecture: "swiftshader" }),
    "WebGPU by v swiftshader d: no GPU",
  );
  assert.equal(
    await software({ description: "Microsoft Basic Render Driver" }),
    "WebGPU by v a Microsoft Basic Render Driver: no GPU",
  );
  assert.equal(await software({ isFallbackAdapter: true }), "WebGPU by v a d: no GPU");
});
