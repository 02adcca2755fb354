/** Where numbers stand in a model's outputs: the twin of part.py. */

/**
 * @typedef {Record<string, {shape: number[], data: ArrayLike<number>}>} Outputs of one sample
 * @typedef {{output: string, columns: [number, number] | null, activation: "none" | "sigmoid"}} Part
 * @typedef {(row: number, column: number) => number} Table
 */

/**
 * @param {Outputs} outputs
 * @param {Part} part
 * @param {number} rows
 * @returns {{ columns: number, value: Table }}
 */
export function tableOf(outputs, { output, columns, activation }, rows) {
  const { data } = outputs[output];
  const wide = data.length / rows;
  const [first, end] = columns ?? [0, wide];
  return {
    columns: end - first,
    value: (row, column) => activate(data[row * wide + first + column], activation),
  };
}

/** @param {number} value @param {Part["activation"]} activation */
export const activate = (value, activation) =>
  activation === "none" ? value : 1 / (1 + Math.exp(-Math.max(-100, Math.min(100, value))));
