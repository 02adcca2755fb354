/** Calls TF.js models as frontends do; artifacts are proved by the same code. */
import { checkNames, sameNames } from "../record.js";

/** @typedef {Record<string, any>} Named TF.js tensors by public name */

/**
 * @param {any} model a graph model
 * @param {string[]} outputs public names, in the signature's order
 * @returns {(feeds: Named) => Promise<Named>} rejects where the outputs do not carry their names
 */
export function graphPredictor(model, outputs) {
  let dynamic = false;
  return async (feeds) => {
    let result;
    try {
      result = dynamic ? await model.predictAsync(feeds) : model.predict(feeds);
    } catch (error) {
      // Control flow and output shapes that depend on values: known only once it is tried.
      if (dynamic || !String(error).includes("executeAsync")) throw error;
      dynamic = true;
      result = await model.predictAsync(feeds);
    }
    const named = byName(result, model.outputNodes, outputs[0]);
    checkNames(Object.keys(named), outputs, "returns");
    return named;
  };
}

/**
 * @param {any} result one tensor, several, or several by name
 * @param {string[]} nodes
 * @param {string} first
 * @returns {Named}
 */
function byName(result, nodes, first) {
  if (Array.isArray(result)) return zipped(nodes, result);
  // A tensor has a dtype; a named map has none (an output may be called "dtype", never a string).
  return typeof result.dtype === "string" ? { [first]: result } : result;
}

/**
 * @param {any} model a layers model
 * @param {string[]} inputs public names, in the signature's order
 * @param {string[]} outputs
 * @returns {(feeds: Named) => Promise<Named>}
 */
export function layersPredictor(model, inputs, outputs) {
  // The model's own order where it has the public names.
  const order = sameNames(model.inputNames, inputs) ? model.inputNames : inputs;
  const names = sameNames(model.outputNames, outputs) ? model.outputNames : outputs;
  return async (feeds) => {
    const tensors = order.map((/** @type {string} */ name) => feeds[name]);
    const options = { batchSize: tensors[0].shape[0] };
    const result = model.predict(tensors.length === 1 ? tensors[0] : tensors, options);
    const named = zipped(names, [result].flat());
    checkNames(Object.keys(named), outputs, "returns");
    return named;
  };
}

/**
 * @param {string[]} names
 * @param {any[]} tensors
 * @returns {Named}
 */
const zipped = (names, tensors) =>
  Object.fromEntries(tensors.map((tensor, i) => [names[i], tensor]));
