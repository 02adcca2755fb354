/** What a page gave does not fit: an error that the client takes for its own. */

/** @param {string} message */
export const inputError = (message) =>
  Object.assign(new Error(message), { name: "ModelError", code: "input" });
