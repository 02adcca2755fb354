/** TF.js graph models. */
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { checkNames } from '../record.js';

/** @typedef {import('../contract.js').OpenRequest} OpenRequest */
/** @typedef {import('./open.js').Named} Named */

export const FORMAT = 'tfjs-graph';

export const load = loadGraphModel;

/**
 * @param {any} model
 * @param {OpenRequest} request
 * @returns {(feeds: Named) => Promise<Named>}
 */
export function predictor(model, { outputs }) {
  let dynamic = false;
  return async (feeds) => {
    let result;
    try {
      result = dynamic ? await model.predictAsync(feeds) : model.predict(feeds);
    } catch (error) {
      // Control flow and output shapes that depend on values: known only once it is tried.
      if (dynamic || !String(error).includes('executeAsync')) throw error;
      dynamic = true;
      result = await model.predictAsync(feeds);
    }
    const named = byName(result, model.outputNodes, outputs[0].name);
    checkNames(named, outputs, 'returns');
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
  if (Array.isArray(result)) return Object.fromEntries(result.map((tensor, i) => [nodes[i], tensor]));
  // A tensor has a dtype; a named map has none (an output may be called "dtype", never a string).
  return typeof result.dtype === 'string' ? { [first]: result } : result;
}
