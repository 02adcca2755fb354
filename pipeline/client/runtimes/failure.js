/** Why a runtime could not do its work, in a form that a caller can act on. */

/** @typedef {"unavailable" | "lost" | "memory" | "format" | "canary" | "input"} Code */

/** What a runtime throws; every error that leaves a bundle is one. */
export class RuntimeFailure extends Error {
  name = "RuntimeFailure";

  /**
   * @param {Code} code `unavailable`: the backend cannot start here; `lost`: the context or device
   *   is gone; `memory`: there was not enough; `format`: the model's files do not fit together;
   *   `canary`: it answers wrongly here; `input`: what was given cannot be fed to the model
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const LOST = /context (?:was )?lost|CONTEXT_LOST|device (?:is |was )?lost|DXGI_ERROR_DEVICE/i;
const MEMORY =
  /out of memory|out-of-memory|\bOOM\b|bad_alloc|enlarge memory|allocation fail|could not allocate/i;

/**
 * @param {unknown} error whatever a library threw
 * @returns {Error & {code?: Code}} with a code where its message tells
 */
export function explained(error) {
  if (error instanceof RuntimeFailure) return error;
  const message = String(/** @type {any} */ (error)?.message ?? error);
  if (LOST.test(message)) return new RuntimeFailure("lost", message);
  if (MEMORY.test(message)) return new RuntimeFailure("memory", message);
  return error instanceof Error ? error : new Error(message);
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function explaining(work) {
  try {
    return await work();
  } catch (error) {
    throw explained(error);
  }
}
