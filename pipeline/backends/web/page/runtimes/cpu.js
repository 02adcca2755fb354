/** TF.js in plain JavaScript. */
import "@tensorflow/tfjs-backend-cpu";

export const NAME = "cpu";

export async function prepare() {}

export async function describe() {
  return {};
}

/** There is no context to lose. */
export function check() {}

export const unlessLost = (/** @type {Promise<any>} */ work) => work;
