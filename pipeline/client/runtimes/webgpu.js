/** What WebGPU offers here, before a runtime asks for it and falls back without it. */
import { RuntimeFailure } from "./failure.js";

/** @returns {Promise<any>} a GPUAdapter */
export async function requireAdapter() {
  const { gpu } = /** @type {any} */ (navigator);
  if (!gpu) throw new RuntimeFailure("unavailable", "this browser has no WebGPU");
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new RuntimeFailure("unavailable", "WebGPU has no adapter here");
  return adapter;
}

/**
 * @param {any} device a GPUDevice
 * @returns {Promise<{renderer: string, fallbackAdapter: boolean, shaderF16: boolean}>}
 */
export async function describeDevice(device) {
  // Older browsers tell of an adapter only, and give everyone the same.
  const info = device.adapterInfo ?? (await requireAdapter()).info ?? {};
  const named = [info.vendor, info.architecture, info.device, info.description];
  return {
    renderer: named.filter(Boolean).join(" ") || "a WebGPU adapter without a name",
    fallbackAdapter: Boolean(info.isFallbackAdapter),
    shaderF16: device.features.has("shader-f16"),
  };
}

/**
 * @param {any} device a GPUDevice
 * @returns {() => void} throws once the device is lost
 */
export function watchDevice(device) {
  /** @type {string | undefined} */
  let lost;
  device.lost.then((/** @type {any} */ info) => {
    lost = `the WebGPU device was lost: ${info.message || info.reason || "no reason given"}`;
  });
  return () => {
    if (lost) throw new RuntimeFailure("lost", lost);
  };
}
