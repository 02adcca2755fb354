/**
 * What this browser offers to run a model on.
 *
 * @typedef {{software: boolean, name: string, bits?: 16 | 32, f16?: boolean, maxBytes?: number}} Gpu
 *
 * @typedef {Object} Device
 * @property {string} engine `chromium`, `firefox` or `webkit`
 * @property {string[]} features of WebAssembly: `simd`, `threads`
 * @property {number} threads that WebAssembly may use
 * @property {Gpu | null} webgl
 * @property {Gpu | null} webgpu
 * @property {number} speed bytes per second of the network
 * @property {boolean} sparing whether only bytes count: the user saves data, on a link of the
 *   second generation, or the device has 1 GiB of memory or less
 */

/** As in pipeline/browser/page_session.py. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** A module with a function that makes a v128. */
const SIMD = '\0asm\x01\0\0\0\x01\x05\x01`\0\x01{\x03\x02\x01\0\n\n\x01\b\0A\0\xfd\x0f\xfdb\v';

/**
 * @param {string} backends that are worth asking for
 * @param {number} [wished] threads
 * @returns {Promise<Device>}
 */
export async function probe(backends, wished) {
  const { userAgent, deviceMemory, connection = {}, hardwareConcurrency } = /** @type {any} */ (navigator);
  const simd = WebAssembly.validate(Uint8Array.from(SIMD, (char) => char.charCodeAt(0)));
  // Half, as most cores are two for the browser; more than four help no model of a page's size.
  // In Firefox TF.js' threads were seen to hang on a busy machine: only who asks for them gets them.
  const threads = wished ?? (/Firefox/.test(userAgent) ? 1 : Math.min(4, hardwareConcurrency >> 1));
  const threaded = crossOriginIsolated && threads > 1;
  return {
    engine: /Firefox/.test(userAgent) ? 'firefox' : /Chrom/.test(userAgent) ? 'chromium' : 'webkit',
    features: [simd && 'simd', threaded && 'threads'].filter(Boolean).map(String),
    threads: threaded ? threads : 1,
    webgl: /webgl/.test(backends) ? webgl() : null,
    webgpu: /webgpu/.test(backends) ? await webgpu() : null,
    // Megabits; browsers that measure none are taken for a slow line.
    speed: (connection.downlink || 10) * 125000,
    sparing: connection.saveData || /2g/.test(connection.effectiveType) || deviceMemory <= 1,
  };
}

/** @type {Gpu | null} */
let known;

/** Takes a while: a worker asks while the manifest comes. */
export const webgl = () => (known ??= context());

/** @returns {Gpu | null} */
function context() {
  // Not every browser that has WebGL gives it to workers: WebKitGTK does not.
  const canvas = self.document?.createElement('canvas') ?? new OffscreenCanvas(1, 1);
  const gl = /** @type {WebGL2RenderingContext | null} */ (canvas.getContext('webgl2'));
  if (!gl) return null;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  const bits = gl.getExtension('EXT_color_buffer_float') ? 32 : 16;
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return { software: SOFTWARE.test(name), name: `WebGL by ${name}`, bits };
}

/** @returns {Promise<Gpu | null>} */
async function webgpu() {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null);
  if (!adapter) return null;
  const { info = {}, limits, features } = adapter;
  const name = `WebGPU by ${info.vendor} ${info.architecture} ${info.description}`;
  return {
    software: info.isFallbackAdapter || SOFTWARE.test(name),
    name,
    f16: features.has('shader-f16'),
    maxBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  };
}
