/** TF.js layers models. */
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { namesOf } from "../record.js";
import { layersPredictor } from "./predict.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */

export const FORMAT = "tfjs-layers";

export const load = loadLayersModel;

/**
 * @param {any} model
 * @param {OpenRequest} request
 */
export const predictor = (model, { inputs, outputs }) =>
  layersPredictor(model, namesOf(inputs), namesOf(outputs));
