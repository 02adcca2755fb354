/** Between a model's own dtypes and what TF.js has: float32, int32 and bool. */
import { arrayOf, kindOf } from "../dtypes.js";
import { RuntimeFailure } from "../failure.js";

/** @typedef {import("../contract.js").Tensors[string]} Tensor */

const TAKEN = { float: "float32", int: "int32", bool: "bool" };
const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/**
 * @param {string} name the input's
 * @param {Tensor} tensor of any dtype
 * @returns {any} the same as `tf.tensor` takes it
 */
export function taken(name, { dtype, shape, data }) {
  const needed = TAKEN[kindOf(dtype)];
  if (dtype === needed) return { dtype, shape, data };
  const values = numbers(dtype, data);
  if (needed === "int32") checkRange(name, values);
  return { dtype: needed, shape, data: arrayOf(needed).from(values, Number) };
}

/**
 * @param {{dtype: string, shape: number[], data: any}} tensor as TF.js gave it
 * @param {string} dtype that the manifest promises; empty where it promises none
 * @returns {Tensor} with that dtype, unless it is of another kind: then the model is not what it should be
 */
export function promised({ dtype: given, shape, data }, dtype) {
  const same = !dtype || given === dtype || kindOf(given) !== kindOf(dtype);
  const own = arrayOf(given);
  // TF.js calls floats the bytes of booleans that it cast on the CPU.
  if (same && own && !(data instanceof own)) return { dtype: given, shape, data: own.from(data) };
  const convert = /int64/.test(dtype) ? BigInt : Number;
  return /** @type {any} */ (
    same
      ? { dtype: given, shape, data }
      : { dtype, shape, data: arrayOf(dtype).from(data, convert) }
  );
}

/**
 * @param {string} dtype
 * @param {any} data float16 may come as raw bits
 */
function numbers(dtype, data) {
  if (dtype !== "float16" || !(data instanceof Uint16Array)) return data;
  return new (arrayOf("float16"))(data.buffer, data.byteOffset, data.length);
}

/**
 * @param {string} name
 * @param {any} values numbers or bigints
 */
function checkRange(name, values) {
  const beyond = values.find((/** @type {any} */ value) => value < LEAST || value > MOST);
  if (beyond !== undefined) {
    const text = `input "${name}" holds ${beyond}: TF.js has no integers of more than 32 bits`;
    throw new RuntimeFailure("input", text);
  }
}
