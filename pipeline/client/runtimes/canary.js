/** A tiny golden that runs once on this device: a wrong answer drops to the next tier. */
import { arrayOf } from "./dtypes.js";
import { RuntimeFailure } from "./failure.js";
import { mapped } from "./record.js";

/** @typedef {{dtype: string, shape: number[], data: any}} Tensor */

/**
 * The twin of `decode` in pipeline/validate/canary.py: each index is read from its cell of a grid.
 * @param {{dtype: string, shape: number[], grid: number[], data?: string, scale?: number,
 *          offset?: number, values?: number[]}} encoded
 * @returns {Tensor}
 */
export function decode({ dtype, shape, grid, data, scale = 1, offset = 0, values }) {
  const few = values ?? Array.from(atob(data ?? ""), (char) => char.charCodeAt(0) * scale + offset);
  const count = shape.reduce((product, size) => product * size, 1);
  const filled = new (arrayOf(dtype))(count);
  for (let i = 0; i < count; i++) {
    let [from, rest, stride] = [0, i, 1];
    for (let axis = shape.length; axis--; ) {
      from += Math.floor(((rest % shape[axis]) * grid[axis]) / shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= grid[axis];
    }
    filled[i] = dtype === "int64" ? BigInt(few[from]) : few[from];
  }
  return { dtype, shape, data: filled };
}

/**
 * @param {Record<string, Tensor>} outputs
 * @param {{outputs: Record<string, {indices: number[], values: number[]}>, tolerance: number}} canary
 * @returns {string | null} what is wrong
 */
export function wrong(outputs, { outputs: wanted, tolerance }) {
  for (const [name, { indices, values }] of Object.entries(wanted)) {
    const span = Math.max(...values) - Math.min(...values) || Math.abs(values[0]) || 1;
    for (const [i, index] of indices.entries()) {
      const off = Math.abs(Number(outputs[name].data[index]) - values[i]) / span;
      // NaN is not below it either.
      if (!(off <= tolerance)) {
        return `${name}[${index}] is ${outputs[name].data[index]} where ${values[i]} is right`;
      }
    }
  }
  return null;
}

/**
 * @param {import("./contract.js").Model} model
 * @param {any} canary the release's
 * @param {any} wanted the artifact's
 * @returns {Promise<boolean>} whether there is one; then it answered as it did where it was proved
 */
export async function answers(model, canary, wanted) {
  if (!canary || !wanted) return false;
  const found = wrong(await model.run(/** @type {any} */ (mapped(canary.inputs, decode))), wanted);
  if (found) throw new RuntimeFailure("canary", found);
  return true;
}
