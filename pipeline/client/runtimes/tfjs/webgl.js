/** TF.js on WebGL; in a worker on an OffscreenCanvas. */
import "@tensorflow/tfjs-backend-webgl";
import { backend, env } from "@tensorflow/tfjs-core";
import { RuntimeFailure } from "../failure.js";

export const NAME = "webgl";

export async function prepare() {
  if (!env().getNumber("WEBGL_VERSION")) {
    throw new RuntimeFailure("unavailable", "this browser gives no WebGL context here");
  }
}

export async function describe() {
  const { gl } = context();
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return {
    renderer: gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER),
    // Not floatPrecision(): it says 16 where the flag below is true.
    textureFloatBits: env().getBool("WEBGL_RENDER_FLOAT32_ENABLED") ? 32 : 16,
  };
}

export function check() {
  if (context().gl.isContextLost()) throw lostNow();
}

/**
 * TF.js would wait for ever for what a lost context was to compute.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
export async function unlessLost(work) {
  const { canvas } = context().gl;
  /** @type {any} */
  let lose;
  const lost = new Promise((_, reject) => (lose = () => reject(lostNow())));
  canvas.addEventListener("webglcontextlost", lose);
  try {
    return await /** @type {Promise<T>} */ (Promise.race([work, lost]));
  } finally {
    canvas.removeEventListener("webglcontextlost", lose);
  }
}

const lostNow = () => new RuntimeFailure("lost", "the WebGL context was lost");

function context() {
  return /** @type {any} */ (backend()).gpgpu;
}
