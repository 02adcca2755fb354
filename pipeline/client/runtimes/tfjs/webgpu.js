/** TF.js on WebGPU. */
import "@tensorflow/tfjs-backend-webgpu";
import { backend } from "@tensorflow/tfjs-core";
import { describeDevice, requireAdapter, watchDevice } from "../webgpu.js";

export const NAME = "webgpu";

let lost = () => {};

export async function prepare() {
  await requireAdapter();
}

export async function describe() {
  const { device } = /** @type {any} */ (backend());
  lost = watchDevice(device);
  return describeDevice(device);
}

export function check() {
  lost();
}

/** A lost device rejects what waits for it. */
export const unlessLost = (/** @type {Promise<any>} */ work) => work;
