/** Numbers by the names that NumPy gives their types. */

/**
 * @param {string} dtype
 * @returns {any} the typed array's class
 */
export function arrayOf(dtype) {
  const name = { bool: "Uint8", int64: "BigInt64", uint64: "BigUint64" }[dtype];
  return /** @type {any} */ (globalThis)[`${name ?? dtype[0].toUpperCase() + dtype.slice(1)}Array`];
}

/** @typedef {"float" | "int" | "bool"} Kind */

/**
 * @param {string} dtype
 * @returns {Kind}
 */
export function kindOf(dtype) {
  return /float/.test(dtype) ? "float" : dtype === "bool" ? "bool" : "int";
}
