/** TF.js on WebAssembly, with SIMD, and with threads where the page is isolated. */
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { RuntimeFailure } from "../failure.js";
import { threadCount } from "../threads.js";

export const NAME = "wasm";

const PLAIN = "tfjs-backend-wasm.wasm";
const SIMD = "tfjs-backend-wasm-simd.wasm";
const THREADED = "tfjs-backend-wasm-threaded-simd.wasm";

/**
 * @param {import("../contract.js").StartRequest} request
 * @returns {Promise<() => void>} for when it has started
 */
export async function prepare({ assets = {}, threads }) {
  const simd = await env().getAsync("WASM_HAS_SIMD_SUPPORT");
  const count = simd ? threadCount(threads) : 1;
  // The threaded one runs on one thread too, where nothing else came.
  const able = [count > 1 && THREADED, simd && SIMD, PLAIN, simd && THREADED];
  const chosen = able.find((name) => name && assets[name]);
  if (!chosen) {
    const needed = able.slice(0, 3).filter(Boolean).join(" or ");
    throw new RuntimeFailure("unavailable", `${needed} is needed here and was not given`);
  }
  // It would take threads wherever there are some.
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", chosen === THREADED);
  setThreadsCount(count);
  // It wants all three, and takes one.
  const url = assets[chosen];
  setWasmPaths({ [PLAIN]: url, [SIMD]: url, [THREADED]: url });
  return offerCores(2 * count);
}

/**
 * TF.js starts on half of the cores at most, whatever count it is told: who asks for two threads on two
 * cores would get one. So it sees as many as that takes, while it starts.
 * @param {number} count
 * @returns {() => void} takes them back
 */
function offerCores(count) {
  if (navigator.hardwareConcurrency >= count) return () => {};
  Object.defineProperty(navigator, "hardwareConcurrency", { value: count, configurable: true });
  // Its own, over the one that all have.
  return () => delete (/** @type {any} */ (navigator).hardwareConcurrency);
}

export async function describe() {
  return { simd: await env().getAsync("WASM_HAS_SIMD_SUPPORT"), threads: getThreadsCount() };
}

/** WebAssembly has no context to lose. */
export function check() {}

export const unlessLost = (/** @type {Promise<any>} */ work) => work;
