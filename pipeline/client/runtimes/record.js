/**
 * @template T, U
 * @param {Record<string, T>} record
 * @param {(value: T) => U} change
 * @returns {Record<string, U>}
 */
export function mapped(record, change) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/**
 * @param {Record<string, any>} found by name
 * @param {{name: string}[]} specs what the manifest promises
 * @param {string} verb
 */
export function checkNames(found, specs, verb) {
  const actual = Object.keys(found);
  const expected = specs.map(({ name }) => name);
  if (actual.length !== expected.length || !actual.every((name) => expected.includes(name))) {
    throw new Error(`the model ${verb} [${actual}], the manifest promises [${expected}]`);
  }
}
