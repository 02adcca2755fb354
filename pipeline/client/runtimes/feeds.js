/** What a caller gives, against what the manifest says that a model takes. */
import { RuntimeFailure } from "./failure.js";

/** @typedef {import("./contract.js").Spec} Spec */
/** @typedef {import("./contract.js").Tensors} Tensors */

/** What holds a dtype's values, where that is not the array of its name. */
const ARRAYS = /** @type {Record<string, string>} */ ({
  bool: "Uint8Array",
  int64: "BigInt64Array",
  uint64: "BigUint64Array",
  float16: "Uint16Array",
});

/**
 * @param {Tensors} feeds of whatever a caller took for them
 * @param {Spec[]} inputs
 */
export function checkFeeds(feeds, inputs) {
  const names = inputs.map(({ name }) => name);
  const unknown = Object.keys(feeds ?? {}).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RuntimeFailure(
      "input",
      `there is no input "${unknown}"; the model takes ${names.join(", ")}`,
    );
  }
  for (const spec of inputs) {
    const given = fault(feeds?.[spec.name], spec);
    if (given) {
      const wanted = `${spec.dtype} ${shown(spec.shape)}`;
      throw new RuntimeFailure(
        "input",
        `input "${spec.name}" takes ${wanted}, and was given ${given}`,
      );
    }
  }
}

/**
 * @param {any} tensor
 * @param {Spec} spec
 * @returns {string | undefined} what it is in place of that
 */
function fault(tensor, spec) {
  if (!Array.isArray(tensor?.shape) || tensor.data?.length === undefined) {
    return tensor ? "something other than {dtype, shape, data}" : "nothing";
  }
  const { dtype, shape, data } = tensor;
  const given = `${dtype} ${shown(shape)}`;
  if (dtype !== spec.dtype || !fits(shape, spec.shape)) return given;
  const count = shape.reduce(
    (/** @type {number} */ product, /** @type {number} */ size) => product * size,
    1,
  );
  if (data.length !== count) return `${given} with ${data.length} values where that needs ${count}`;
  const kind = data.constructor.name;
  return Array.isArray(data) || holds(kind, dtype) ? undefined : `${given} in a ${kind}`;
}

/**
 * @param {number[]} shape
 * @param {(number | null)[]} wanted
 */
const fits = (shape, wanted) =>
  shape.length === wanted.length &&
  wanted.every((size, axis) => (size ?? shape[axis]) === shape[axis]);

/**
 * @param {string} kind of a typed array
 * @param {string} dtype
 */
const holds = (kind, dtype) =>
  // Half floats are their bits where a browser has no array of them; both are taken.
  kind.toLowerCase() === `${dtype}array` || kind === ARRAYS[dtype];

/** @param {(number | null)[]} shape */
const shown = (shape) => `[${shape.map((size) => size ?? "?").join(", ")}]`;
