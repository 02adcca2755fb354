/**
 * @param {number | undefined} asked
 * @returns {number} threads that WebAssembly may use: one where the page is not isolated
 */
export function threadCount(asked) {
  if (!globalThis.crossOriginIsolated) return 1;
  const half = Math.ceil((navigator.hardwareConcurrency || 1) / 2);
  return Math.max(1, asked ?? Math.min(4, half));
}
