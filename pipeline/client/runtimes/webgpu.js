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
 * What WebGPU refuses it drops, with all that was sent together with it: zeros are left. Libraries
 * do not listen for it.
 *
 * @param {any} device a GPUDevice
 * @returns {() => void} throws once the device is lost, or has refused something
 */
export function watchDevice(device) {
  /** @type {RuntimeFailure | undefined} */
  let failure;
  device.lost.then((/** @type {any} */ info) => {
    const why = info.message || info.reason || "no reason given";
    failure = new RuntimeFailure("lost", `the WebGPU device was lost: ${why}`);
  });
  device.addEventListener("uncapturederror", (/** @type {any} */ { error }) => {
    failure ??= refusal(error);
  });
  return () => {
    if (failure) throw failure;
  };
}

/** @param {any} error a GPUError: of memory, or of what was asked for */
function refusal({ message, constructor: { name } }) {
  const [line] = message.trim().split("\n");
  return name === "GPUOutOfMemoryError"
    ? new RuntimeFailure("memory", `WebGPU was out of memory: ${line}`)
    : new RuntimeFailure("canary", `WebGPU refused a part of the work, and left zeros: ${line}`);
}
