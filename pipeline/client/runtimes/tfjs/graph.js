/** TF.js graph models. */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { namesOf } from "../record.js";
import { graphPredictor } from "./predict.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */

export const FORMAT = "tfjs-graph";

export const load = loadGraphModel;

/**
 * @param {any} model
 * @param {OpenRequest} request
 */
export const predictor = (model, { outputs }) => graphPredictor(model, namesOf(outputs));
