/** TF.js graph models. */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { io } from "@tensorflow/tfjs-core";
import { namesOf } from "../record.js";
import { decodeWeights } from "./artifacts.js";
import { graphPredictor } from "./predict.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */

export const FORMAT = "tfjs-graph";

/** @param {any} handler */
export const load = (handler) =>
  loadGraphModel(handler, {}, /** @type {any} */ ({ ...io, decodeWeights }));

/**
 * @param {any} model
 * @param {OpenRequest} request
 */
export const predictor = (model, { outputs }) => graphPredictor(model, namesOf(outputs));
