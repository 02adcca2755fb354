/** Why a model did not load: `code` for programs, the message for people. */
export class LoadError extends Error {
  /**
   * @param {import("./index.js").LoadErrorCode} code
   * @param {string} message what happened, where, and what to do next
   * @param {{ url?: string, status?: number, retryAfterMs?: number, cause?: unknown }} [details]
   */
  constructor(code, message, { cause, ...details } = {}) {
    super(message, { cause });
    Object.assign(this, { name: "LoadError", code, ...details });
  }
}
