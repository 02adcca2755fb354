/**
 * What this browser offers to run a model on.
 *
 * @typedef {{software: string | false, bits?: 16 | 32, f16?: boolean, maxBytes?: number}} Gpu
 *
 * @typedef {Object} Device
 * @property {string} engine `chromium`, `firefox` or `webkit`
 * @property {(string | false)[]} features of WebAssembly: `simd`, `threads`
 * @property {number} threads that WebAssembly may use
 * @property {Gpu | null} webgl
 * @property {Gpu | null} webgpu
 * @property {number} speed bytes per second of the network
 * @property {boolean} sparing whether only bytes count: the user saves data, on a link of the
 *   second generation, or the device has 1 GiB of memory or less
 */

/** As in pipeline/backends/web/page_session.py. */
const SOFTWARE = /swiftshader|llvmpipe|soft(pipe|ware)|basic render/i;

/**
 * @param {string} name of a GPU
 * @param {boolean} [fallback] whether the browser says that it is none
 */
const software = (name, fallback) => (fallback || SOFTWARE.test(name)) && `${name}: no GPU`;

/** WebGL's constants. */
const RENDERER = 0x1f01;
const UNMASKED_RENDERER = 0x9246;

/** A module with the type of a function of a v128. */
const SIMD = "\0asm\x01\0\0\0\x01\x05\x01`\x01{\0";

/**
 * @param {string} backends a text that names those that are worth asking for
 * @param {number} [wished] threads
 * @returns {Promise<Device>}
 */
export const probe = async (backends, wished) => {
  const {
    userAgent,
    deviceMemory,
    connection = {},
    hardwareConcurrency,
  } = /** @type {any} */ (navigator);
  const firefox = /Firefox/.test(userAgent);
  const simd = WebAssembly.validate(Uint8Array.from(SIMD, (char) => char.charCodeAt(0)));
  // Half, as most cores are two for the browser; more than four help no model of a page's size.
  // In Firefox TF.js' threads were seen to hang on a busy machine: only who asks for them gets them.
  const threads = wished ?? (firefox ? 1 : Math.min(4, hardwareConcurrency >> 1));
  const threaded = crossOriginIsolated && threads > 1;
  return {
    engine: firefox ? "firefox" : /Chrom/.test(userAgent) ? "chromium" : "webkit",
    features: [simd && "simd", threaded && "threads"],
    threads: threaded ? threads : 1,
    webgl: /webgl/.test(backends) ? webgl() : null,
    webgpu: /webgpu/.test(backends) ? await webgpu() : null,
    // Megabits; browsers that measure none are taken for a slow line.
    speed: (connection.downlink || 10) * 125000,
    sparing: connection.saveData || /2g/.test(connection.effectiveType) || deviceMemory <= 1,
  };
};

/** @type {Gpu | null} */
let known;

/** Takes a while: a worker asks while the manifest comes. */
export const webgl = () => (known ??= context());

/** @returns {Gpu | null} */
const context = () => {
  // Not every browser that has WebGL gives it to workers: WebKitGTK does not.
  const canvas = self.document?.createElement("canvas") ?? new OffscreenCanvas(1, 1);
  const gl = /** @type {WebGL2RenderingContext | null} */ (canvas.getContext("webgl2"));
  if (!gl) return null;
  const name = gl.getParameter(
    gl.getExtension("WEBGL_debug_renderer_info") ? UNMASKED_RENDERER : RENDERER,
  );
  const bits = gl.getExtension("EXT_color_buffer_float") ? 32 : 16;
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return { software: software(`WebGL by ${name}`), bits };
};

/** @returns {Promise<Gpu | null>} */
const webgpu = async () => {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null);
  if (!adapter) return null;
  const { info = {}, limits, features } = adapter;
  const name = `WebGPU by ${info.vendor} ${info.architecture} ${info.description}`;
  return {
    software: software(name, info.isFallbackAdapter),
    f16: features.has("shader-f16"),
    // No buffer may be smaller.
    maxBytes: limits.maxStorageBufferBindingSize,
  };
};
