/** Why something failed: `code` for programs, the message for people. */

/** Of files that did not come. */
export class LoadError extends Error {
  /**
   * @param {import("./index.js").LoadErrorCode} code
   * @param {string} message what happened, where, and what to do next
   * @param {{ url?: string, status?: number, retryAfterMs?: number, cause?: unknown }} [details]
   */
  constructor(code, message, details) {
    super(message, details);
    Object.assign(this, { name: "LoadError", code }, details);
  }
}

/**
 * What else this client throws. `code` is `nothing`: nothing here runs the model, `tried` lists what
 * was tried; `disposed`; `input`: what was given does not fit; `lost`: the worker broke down.
 *
 * @param {string} code
 * @param {string} message
 * @param {object} [more]
 * @returns {Error & { code: string }}
 */
export const failure = (code, message, more) =>
  Object.assign(new Error(message), { name: "ModelError", code }, more);

/**
 * @param {any} error without its class, which does not travel to a page
 * @returns {Error}
 */
export const revived = (error) =>
  error.name === "LoadError"
    ? new LoadError(error.code, error.message, error)
    : failure(error.code, error.message, error);
