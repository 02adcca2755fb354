/**
 * @template T, U
 * @param {Record<string, T>} record
 * @param {(value: T) => U} change
 * @returns {Record<string, U>}
 */
export function mapped(record, change) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

/** @param {{name: string}[]} specs as a manifest has them */
export const namesOf = (specs) => specs.map(({ name }) => name);

/**
 * @param {readonly string[]} actual
 * @param {string[]} expected
 * @param {string} verb
 */
export function checkNames(actual, expected, verb) {
  if (!sameNames(actual, expected)) {
    throw new Error(`the model ${verb} [${actual}], the artifact promises [${expected}]`);
  }
}

/**
 * @param {readonly string[]} actual may hold one name several times: a layer's, of each of its outputs
 * @param {string[]} expected
 * @returns {boolean} whether they are the same, in whatever order
 */
export function sameNames(actual, expected) {
  return actual.length === expected.length && expected.every((name) => actual.includes(name));
}
