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

/**
 * A method of models that read one image, whose answers are in pixels of that; they know its size.
 * @template O
 * @template {object} A
 * @param {(outputs: Outputs, manifest: any, options: O, origin: import("../inputs/image/fit.js").Origin) => A} answer
 * @returns {(outputs: Outputs, manifest: any, options: O, feeds: Record<string, {origin: any}>) => A}
 */
export const inPicture = (answer) => (outputs, manifest, options, feeds) => {
  const { origin } = Object.values(feeds)[0];
  const [height, width] = origin.size;
  return Object.assign(answer(outputs, manifest, options, origin), { image: { width, height } });
};

/** @param {number} value @param {Part["activation"]} activation */
export const activate = (value, activation) =>
  activation === "none" ? value : 1 / (1 + Math.exp(-Math.max(-100, Math.min(100, value))));
