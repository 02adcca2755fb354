/** Runs TF.js models from memory on one backend, and on no other. */
import * as tf from "@tensorflow/tfjs-core";
import { RuntimeFailure, explaining } from "../failure.js";
import { artifactsOf } from "./artifacts.js";
import { promised, taken } from "./cast.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */
/** @typedef {import("../contract.js").StartRequest} StartRequest */
/** @typedef {import("../contract.js").Model} Model */
/** @typedef {import("../contract.js").Tensors} Tensors */
/** @typedef {Record<string, tf.Tensor>} Named TF.js tensors by public name */

/**
 * @typedef {Object} Backend
 * @property {string} NAME TF.js' own
 * @property {(request: StartRequest) => Promise<void | (() => void)>} prepare before TF.js starts it;
 *   what it gives is called after
 * @property {() => any} describe
 * @property {() => void} check throws where the context or device was lost
 * @property {<T>(work: Promise<T>) => Promise<T>} unlessLost rejects where it is lost meanwhile
 *
 * @typedef {Object} Kind
 * @property {string} FORMAT
 * @property {(handler: any) => Promise<any>} load
 * @property {(model: any, request: OpenRequest) => (feeds: Named) => Promise<Named>} predictor
 */

/** @type {Set<symbol>} of all models that are open or opening: they share TF.js */
const opened = new Set();

/**
 * @param {Backend} backend
 * @returns {(request: StartRequest) => Promise<void>}
 */
export function preparer(backend) {
  return (request) => explaining(() => start(backend, request));
}

/**
 * @param {Backend} backend
 * @param {Kind} kind
 * @returns {(request: OpenRequest) => Promise<Model>}
 */
export function opener(backend, kind) {
  return (request) =>
    explaining(async () => {
      if (request.format !== kind.FORMAT) {
        throw new RuntimeFailure(
          "format",
          `this bundle runs ${kind.FORMAT}, not ${request.format}`,
        );
      }
      return opening(backend, kind, request);
    });
}

/**
 * @param {Backend} backend
 * @param {Kind} kind
 * @param {OpenRequest} request
 * @returns {Promise<Model>}
 */
async function opening(backend, kind, request) {
  /** @type {any} */
  let model;
  const id = Symbol();
  opened.add(id);
  try {
    await start(backend, request);
    model = await kind.load({ load: () => artifactsOf(request) });
    return await described(backend, kind, model, request, () => dispose(model, id));
  } catch (error) {
    try {
      dispose(model, id);
    } catch {} // what is broken may not be able to let go
    throw error;
  }
}

/**
 * @param {Backend} backend
 * @param {Kind} kind
 * @param {any} model
 * @param {OpenRequest} request
 * @param {() => void} end
 * @returns {Promise<Model>}
 */
async function described(backend, kind, model, request, end) {
  const predict = kind.predictor(model, request);
  const dtypes = Object.fromEntries(request.outputs.map(({ name, dtype }) => [name, dtype]));
  const details = {
    backend: tf.getBackend(),
    version: tf.version_core,
    ...(await backend.describe()),
  };
  return {
    details,
    run: (feeds) => explaining(() => run(backend, predict, feeds, dtypes)),
    memory,
    dispose: async () => end(),
  };
}

/** @type {Promise<void> | undefined} one at a time: a second start makes TF.js give up the first */
let starting;

/**
 * @param {Backend} backend
 * @param {StartRequest} request
 */
async function start(backend, request) {
  if (tf.getBackend() === backend.NAME) return;
  starting ??= begin(backend, request).finally(() => (starting = undefined));
  await starting;
}

/**
 * @param {Backend} backend
 * @param {StartRequest} request
 */
async function begin(backend, request) {
  const started = await backend.prepare(request);
  let reason = "";
  try {
    await tf.setBackend(backend.NAME);
  } catch (error) {
    reason = `: ${/** @type {any} */ (error)?.message ?? error}`;
  }
  started?.();
  // TF.js moves on to another backend, or to none, without a word.
  if (tf.getBackend() !== backend.NAME) {
    throw new RuntimeFailure(
      "unavailable",
      `TF.js could not start its ${backend.NAME} backend${reason}`,
    );
  }
}

/**
 * @param {Backend} backend
 * @param {(feeds: Named) => Promise<Named>} predict
 * @param {Tensors} inputs
 * @param {Record<string, string>} dtypes of the outputs, as the manifest promises them
 * @returns {Promise<Tensors>}
 */
async function run(backend, predict, inputs, dtypes) {
  backend.check();
  /** @type {Named} */
  const feeds = {};
  /** @type {Named} */
  let results = {};
  try {
    for (const name in inputs) {
      const { data, shape, dtype } = taken(name, inputs[name]);
      feeds[name] = tf.tensor(data, shape, dtype);
    }
    results = await backend.unlessLost(predict(feeds));
    const read = Object.entries(results).map(async ([name, tensor]) => {
      const { dtype, shape } = tensor;
      return [name, promised({ dtype, shape, data: await tensor.data() }, dtypes[name])];
    });
    return Object.fromEntries(await backend.unlessLost(Promise.all(read)));
  } finally {
    tf.dispose([feeds, results]);
    backend.check();
  }
}

function memory() {
  // After the last model there is no backend, and asking would start one.
  const { numTensors, numBytes } = opened.size ? tf.memory() : { numTensors: 0, numBytes: 0 };
  return { tensors: numTensors, bytes: numBytes };
}

/**
 * @param {any} model none where it did not load
 * @param {symbol} id
 */
function dispose(model, id) {
  if (!opened.delete(id)) return;
  model?.dispose();
  // The last one takes the context, its textures and the heap with it; TF.js can start again.
  if (!opened.size) tf.engine().reset();
}
