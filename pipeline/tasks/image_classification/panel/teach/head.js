/** The head: a small dense network on embeddings, trained, asked, and kept as files. */

import * as tf from "@tensorflow/tfjs-core";
import { layers, loadLayersModel, sequential } from "@tensorflow/tfjs-layers";
import { unzip, zip } from "./zip.js";

/**
 * @typedef {import("@tensorflow/tfjs-layers").LayersModel} LayersModel
 * @typedef {{ embedding: Float32Array, label: number }} Example
 * @typedef {{ epochs: number, units: number, rate: number }} Settings
 * @typedef {{ name: string, sha256: string, layer: string, size: number }} Base what a head was trained on
 * @typedef {{ labels: string[], base: Base }} About
 */

const BATCH = 16;
/** Every so many examples of a class, one is kept back to see how well the head does on others. */
const KEPT_BACK = 5;

/**
 * @param {{ examples: Example[], classes: number, settings: Settings, tell: (epoch: any) => void, stop: () => boolean }} task
 */
export async function fit({ examples, classes, settings, tell, stop }) {
  const { learnt, held } = split(examples);
  const model = build(examples[0].embedding.length, classes, settings);
  const [training, validation] = [
    batch(learnt, classes),
    held.length ? batch(held, classes) : null,
  ];
  const began = performance.now();
  let epochs = 0;
  /** @type {any} */
  let last = {};
  const onEpochEnd = async (/** @type {number} */ epoch, /** @type {any} */ logs) => {
    epochs = epoch + 1;
    last = measured(logs);
    tell({ epoch: epochs, ...last });
    // A message that cancels is heard only between tasks.
    await new Promise((next) => setTimeout(next));
    if (stop()) model.stopTraining = true;
  };
  try {
    await model.fit(training.x, training.y, {
      epochs: settings.epochs,
      batchSize: BATCH,
      yieldEvery: "never",
      ...(validation && { validationData: [validation.x, validation.y] }),
      callbacks: { onEpochEnd },
    });
  } finally {
    tf.dispose(validation ? [training, validation] : training);
    // Its moments are no layer's, so that disposing the model would leave them.
    model.optimizer.dispose();
  }
  const ms = performance.now() - began;
  return {
    model,
    result: {
      ...last,
      epochs,
      ms,
      learnt: learnt.length,
      held: held.length,
      heldFrom: KEPT_BACK,
      cancelled: stop(),
    },
  };
}

/** Names as the page uses them. @param {any} logs */
const measured = ({ loss, acc, val_loss, val_acc }) => ({
  loss,
  accuracy: acc,
  heldLoss: val_loss,
  heldAccuracy: val_acc,
});

/** @param {Example[]} examples */
function split(examples) {
  /** @type {Map<number, number>} */
  const seen = new Map();
  /** @type {{ learnt: Example[], held: Example[] }} */
  const parts = { learnt: [], held: [] };
  for (const example of examples) {
    const count = (seen.get(example.label) ?? 0) + 1;
    seen.set(example.label, count);
    (count % KEPT_BACK ? parts.learnt : parts.held).push(example);
  }
  return parts;
}

/** @param {number} size @param {number} classes @param {Settings} settings */
function build(size, classes, { units, rate }) {
  const hidden = units ? [layers.dense({ units, activation: "relu", inputShape: [size] })] : [];
  const last = layers.dense({
    units: classes,
    activation: "softmax",
    ...(!units && { inputShape: [size] }),
  });
  const model = sequential({ layers: [...hidden, last] });
  model.compile({
    optimizer: tf.train.adam(rate),
    loss: "categoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

/** @param {Example[]} examples @param {number} classes */
function batch(examples, classes) {
  return tf.tidy(() => ({
    x: tf.stack(examples.map(({ embedding }) => tf.tensor1d(embedding))),
    y: tf.cast(
      tf.oneHot(
        tf.tensor1d(
          examples.map(({ label }) => label),
          "int32",
        ),
        classes,
      ),
      "float32",
    ),
  }));
}

/** @param {LayersModel} model @param {Float32Array} embedding @returns {Float32Array} */
export function guess(model, embedding) {
  return tf.tidy(() => {
    const scores = /** @type {any} */ (
      model.predict(tf.tensor2d(embedding, [1, embedding.length]))
    );
    return scores.dataSync().slice();
  });
}

/**
 * A zip of a TF.js layers model, for `tf.loadLayersModel`, and `labels.json`.
 * @param {LayersModel} model
 * @param {About} about
 * @returns {Promise<Uint8Array>}
 */
export async function pack(model, about) {
  /** @type {import("@tensorflow/tfjs-core").io.ModelArtifacts | undefined} */
  let saved;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const { modelTopology, weightSpecs, weightData } = /** @type {any} */ (saved);
  const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
  const json = {
    format: "layers-model",
    generatedBy: "model demo",
    modelTopology,
    weightsManifest,
    userDefinedMetadata: about,
  };
  return zip({
    "model.json": text(JSON.stringify(json)),
    "weights.bin": new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
    "labels.json": text(JSON.stringify(about, null, 1)),
  });
}

/** @param {string} letters */
const text = (letters) => new TextEncoder().encode(letters);

/**
 * The head in a zip as `pack` makes it, or in its files.
 * @param {{ name: string, content: Uint8Array }[]} files
 * @param {Base} base what heads must have been trained on to be of use here
 */
export async function unpack(files, base) {
  const zipped = files.find(({ name }) => name.endsWith(".zip"));
  const named = zipped
    ? await unzipped(zipped.content)
    : Object.fromEntries(files.map(({ name, content }) => [name, content]));
  const { "model.json": json, "weights.bin": weights } = named;
  if (!json || !weights)
    throw new Error(
      "A head is a zip that was exported here, or its model.json and weights.bin. Pick those.",
    );
  const { modelTopology, weightsManifest, userDefinedMetadata: about } = parsed(json);
  check(about, base);
  const weightSpecs = weightsManifest.flatMap((/** @type {any} */ group) => group.weights);
  const weightData = weights.slice().buffer;
  const model = await loadLayersModel({
    load: async () => ({ modelTopology, weightSpecs, weightData }),
  });
  const [classes] = /** @type {number[]} */ (model.outputs[0].shape.slice(-1));
  if (classes === about.labels.length) return { model, about };
  model.dispose();
  throw new Error(`This head tells ${classes} classes apart and names ${about.labels.length}.`);
}

/** @param {Uint8Array} content */
async function unzipped(content) {
  try {
    return await unzip(content);
  } catch {
    throw new Error("This file is no zip, or it is damaged. Export the head again.");
  }
}

/** @param {Uint8Array} json */
function parsed(json) {
  try {
    return JSON.parse(new TextDecoder().decode(json));
  } catch {
    throw new Error("model.json is not JSON, or it is damaged. Export the head again.");
  }
}

/** @param {unknown} labels */
const isNames = (labels) =>
  Array.isArray(labels) && labels.length > 1 && labels.every((one) => typeof one === "string");

/** @param {About | undefined} about @param {Base} base */
function check(about, base) {
  if (!isNames(about?.labels) || !about?.base)
    throw new Error("model.json names no classes: it was not exported by this page.");
  if (about.base.sha256 !== base.sha256 || about.base.layer !== base.layer) {
    throw new Error(
      `This head was trained on other layers than ${base.name} has now. Train it again.`,
    );
  }
}
