/** What the page runs on, and what it lacks. */

/** What the page lacks, as opposed to what the artifact got wrong. */
export class Unavailable extends Error {
  name = 'Unavailable';
}

/**
 * See that there is a WebGPU adapter before a runtime asks for one, and falls back without it.
 */
export async function requireAdapter() {
  const { gpu } = /** @type {any} */ (navigator);
  if (!gpu) throw new Unavailable('this browser has no WebGPU');
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Unavailable('WebGPU has no adapter here');
}

/**
 * The adapter of the device that a runtime computes with.
 * @param {any} device a GPUDevice
 * @returns {Promise<{renderer: string, fallbackAdapter: boolean, shaderF16: boolean}>}
 */
export async function describeDevice(device) {
  // Older browsers tell of an adapter only, and give everyone the same.
  const info =
    device.adapterInfo ??
    (await /** @type {any} */ (navigator).gpu.requestAdapter())?.info ??
    {};
  const named = [info.vendor, info.architecture, info.device, info.description];
  return {
    renderer: named.filter(Boolean).join(' ') || 'a WebGPU adapter without a name',
    fallbackAdapter: Boolean(info.isFallbackAdapter),
    shaderF16: device.features.has('shader-f16'),
  };
}
