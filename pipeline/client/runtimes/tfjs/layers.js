/** TF.js layers models, which can also be cut and trained on. */
import { loadLayersModel } from '@tensorflow/tfjs-layers';

/** @typedef {import('../contract.js').OpenRequest} OpenRequest */
/** @typedef {import('./open.js').Named} Named */

export const FORMAT = 'tfjs-layers';

export const load = loadLayersModel;

/**
 * @param {any} model
 * @param {OpenRequest} request
 * @returns {(feeds: Named) => Promise<Named>}
 */
export function predictor(model, { inputs, outputs }) {
  const order = namedAs(model.inputNames, inputs);
  const names = namedAs(model.outputNames, outputs);
  return async (feeds) => {
    const tensors = order.map((name) => feeds[name]);
    const options = { batchSize: tensors[0].shape[0] };
    const results = [model.predict(tensors.length === 1 ? tensors[0] : tensors, options)].flat();
    return Object.fromEntries(results.map((tensor, i) => [names[i], tensor]));
  };
}

/**
 * The model's own order where it has the manifest's names, else the manifest's.
 * @param {string[]} own
 * @param {{name: string}[]} specs
 */
function namedAs(own, specs) {
  const names = specs.map(({ name }) => name);
  return own.length === names.length && own.every((name) => names.includes(name)) ? own : names;
}
