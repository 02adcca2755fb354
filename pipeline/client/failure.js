/**
 * What this client throws besides `LoadError`: `code` says what went wrong. `nothing`: nothing here
 * runs the model, `tried` lists what was tried; `disposed`; `input`: what was given does not fit;
 * of a tier that failed `canary`, or a runtime's `unavailable`, `lost`, `memory`, `format`.
 * @param {string} code
 * @param {string} message
 * @param {object} [more]
 * @returns {Error & {code: string}}
 */
export function failure(code, message, more) {
  return Object.assign(new Error(message), { name: 'ModelError', code, ...more });
}
