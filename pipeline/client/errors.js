/** Why something failed: `code` for programs, the message for people. */

/** All that this client throws, but for a signal's reason. */
export class ModelError extends Error {
  name = "ModelError";

  /**
   * @param {string} code
   * @param {string} message what happened, where, and what to do next
   * @param {object} [details]
   */
  constructor(code, message, details) {
    super(message, details);
    Object.assign(this, details, { code, name: this.name });
  }
}

/** Of files that did not come. */
export class LoadError extends ModelError {
  name = "LoadError";
}

/**
 * @param {any} error without its class, which does not travel from a worker
 * @returns {Error}
 */
export const revived = (error) =>
  error instanceof Error
    ? error
    : new (error.name === "LoadError" ? LoadError : ModelError)(
        error.code ?? "failed",
        error.message,
        error,
      );

/**
 * An error that few meet.
 *
 * @param {keyof typeof import("./explain.js")} name of it in explain.js
 * @param {any[]} about
 * @returns {Promise<Error>} with nothing but the name, where its words do not come
 */
export const explained = async (name, ...about) =>
  revived(
    await import("./explain.js").then(
      (/** @type {any} */ all) => all[name](...about),
      () => ({ code: name, message: name }),
    ),
  );
