/** The layers model of a release, cut where it knows what an image holds but not yet its class. */

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { loadLayersModel, model as layersModel } from "@tensorflow/tfjs-layers";
import { fetchFiles } from "../../fetch.js";

/** MobileNet v1's last convolution. Other models are cut at their last feature map. */
const CUT = "conv_pw_13_relu";

/**
 * @typedef {object} Release
 * @property {string} name of the model
 * @property {any} artifact the manifest's, of format tfjs-layers
 * @property {any[]} wasm the file of TF.js' wasm backend, or none
 * @property {string} base URL of the model's folder
 * @property {string} root URL of the CDN folder
 */

export class Embedder {
  /**
   * @param {import("@tensorflow/tfjs-layers").LayersModel} cut
   * @param {string} layer
   * @param {string} sha256 of its weights
   */
  constructor(cut, layer, sha256) {
    this._cut = cut;
    const shape = cut.outputs[0].shape;
    /** What the page should know. */
    this.about = {
      layer,
      sha256,
      size: /** @type {number} */ (shape[shape.length - 1]),
      backend: tf.getBackend(),
    };
  }

  /**
   * Fetch and cut it.
   * @param {Release} release
   * @param {(progress: any) => void} tell
   */
  static async open({ name, artifact, wasm, base, root }, tell) {
    const files = artifact.files.map((/** @type {any} */ file) => ({
      ...file,
      url: base + file.path,
    }));
    const code = wasm.map((file) => ({ ...file, url: root + file.path }));
    const buffers = await fetchFiles([...files, ...code], { name, onProgress: tell });
    await start(buffers.slice(files.length));
    const named = new Map(
      files.map((/** @type {any} */ file, /** @type {number} */ i) => [file.path, buffers[i]]),
    );
    const whole = await loadLayersModel({ load: async () => parts(artifact.entry, named) });
    const layer = cutAt(whole);
    const outputs = /** @type {any} */ (layer.output);
    const cut = layersModel({ inputs: whole.inputs, outputs });
    return new Embedder(cut, layer.name, await digest(cut));
  }

  /**
   * Mean of each feature over the image.
   * @param {{ shape: number[], data: Float32Array }} image preprocessed
   * @returns {Float32Array} [size]
   */
  embed({ shape, data }) {
    return tf.tidy(() => {
      const map = /** @type {any} */ (this._cut.predict(tf.tensor(data, shape)));
      const mean = map.rank === 4 ? tf.mean(map, [1, 2]) : map;
      return /** @type {Float32Array} */ (mean.dataSync().slice());
    });
  }

  dispose() {
    this._cut.dispose();
  }
}

/**
 * What a head was trained on: the same for every release of which only the head is another one.
 * @param {import("@tensorflow/tfjs-layers").LayersModel} cut
 */
async function digest(cut) {
  const weights = await new Blob(
    cut.getWeights().map((one) => one.dataSync().slice()),
  ).arrayBuffer();
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", weights));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The builds that TF.js asks for by name. */
const BUILDS = [
  "tfjs-backend-wasm.wasm",
  "tfjs-backend-wasm-simd.wasm",
  "tfjs-backend-wasm-threaded-simd.wasm",
];

/**
 * WebAssembly where the release has it: it has every gradient that a dense head needs.
 * @param {ArrayBuffer[]} wasm the build with SIMD, or none
 */
async function start([wasm]) {
  if (tf.getBackend()) return;
  // One thread is enough for images that come one by one, and needs no isolated page.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (wasm) {
    const url = URL.createObjectURL(new Blob([wasm], { type: "application/wasm" }));
    setWasmPaths(Object.fromEntries(BUILDS.map((name) => [name, url])));
    await tf.setBackend("wasm").catch(() => {});
  }
  if (tf.getBackend() !== "wasm") await tf.setBackend("cpu");
}

/**
 * What TF.js reads a model from.
 * @param {string} entry path of model.json
 * @param {Map<string, ArrayBuffer>} files
 */
function parts(entry, files) {
  const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(files.get(entry)));
  const folder = entry.slice(0, entry.lastIndexOf("/") + 1);
  return {
    modelTopology,
    weightSpecs: weightsManifest.flatMap((/** @type {any} */ group) => group.weights),
    weightData: weightsManifest.flatMap((/** @type {any} */ group) =>
      group.paths.map((/** @type {string} */ path) => files.get(folder + path)),
    ),
  };
}

/** @param {import("@tensorflow/tfjs-layers").LayersModel} model */
function cutAt(model) {
  const named = model.layers.find(({ name }) => name === CUT);
  const maps = model.layers.filter(
    ({ outputShape }) => outputShape.length === 4 && Number(outputShape[1]) > 1,
  );
  const layer = named ?? maps.at(-1);
  if (!layer)
    throw new Error("This model has no feature map to learn from. Use a convolutional one.");
  return layer;
}
