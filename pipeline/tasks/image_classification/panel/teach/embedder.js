/** The layers model of a release, cut where it knows what an image holds but not yet its class. */

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { model as layersModel, loadLayersModel } from "@tensorflow/tfjs-layers";
import { digest, fetchFiles, locate } from "../../../../client/fetch.js";
import { named, withUrls } from "../../../../client/runtimes/delivered.js";
import { artifactsOf } from "../../../../client/runtimes/tfjs/artifacts.js";
import { prepare } from "../../../../client/runtimes/tfjs/wasm.js";

/** MobileNet v1's last convolution. Other models are cut at their last feature map. */
const CUT = "conv_pw_13_relu";

/**
 * @typedef {object} Release
 * @property {any} artifact the manifest's, of format tfjs-layers
 * @property {any[]} wasm the file of TF.js' wasm backend, or none
 * @property {any} manifest
 * @property {string} base URL of the model's folder
 * @property {string} root URL of the CDN folder
 */

export class Embedder {
  #cut;

  /**
   * @param {import("@tensorflow/tfjs-layers").LayersModel} cut
   * @param {string} layer
   * @param {string} sha256 of its weights
   */
  constructor(cut, layer, sha256) {
    this.#cut = cut;
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
  static async open({ artifact, wasm, base, root }, tell) {
    const files = [...locate(root, wasm), ...locate(base, artifact.files)];
    const buffers = await fetchFiles(files, { onProgress: tell });
    await start(wasm.map((file, i) => [file.name, buffers[i]]));
    const model = named(artifact, buffers.slice(wasm.length));
    const whole = await loadLayersModel({ load: () => artifactsOf(model) });
    const layer = cutAt(whole);
    const outputs = /** @type {any} */ (layer.output);
    const cut = layersModel({ inputs: whole.inputs, outputs });
    return new Embedder(cut, layer.name, await identity(cut));
  }

  /**
   * Mean of each feature over the image.
   * @param {{ shape: number[], data: Float32Array }} image preprocessed
   * @returns {Float32Array} [size]
   */
  embed({ shape, data }) {
    return tf.tidy(() => {
      const map = /** @type {any} */ (this.#cut.predict(tf.tensor(data, shape)));
      const mean = map.rank === 4 ? tf.mean(map, [1, 2]) : map;
      return /** @type {Float32Array} */ (mean.dataSync().slice());
    });
  }

  dispose() {
    this.#cut.dispose();
  }
}

/**
 * What a head was trained on: the same for every release of which only the head is another one.
 * @param {import("@tensorflow/tfjs-layers").LayersModel} cut
 */
async function identity(cut) {
  return digest(
    await new Blob(cut.getWeights().map((one) => one.dataSync().slice())).arrayBuffer(),
  );
}

/**
 * WebAssembly where the release has it: it has every gradient that a dense head needs.
 * @param {[string, ArrayBuffer][]} wasm the build with SIMD by its name, or none
 */
async function start(wasm) {
  if (tf.getBackend()) return;
  // One thread is enough for images that come one by one, and needs no isolated page.
  const started = withUrls(Object.fromEntries(wasm), async (assets) => {
    await prepare({ assets, threads: 1 });
    await tf.setBackend("wasm");
  });
  await started.catch(() => {});
  if (tf.getBackend() !== "wasm") await tf.setBackend("cpu");
}

/** @param {import("@tensorflow/tfjs-layers").LayersModel} model */
function cutAt(model) {
  const known = model.layers.find(({ name }) => name === CUT);
  const maps = model.layers.filter(
    ({ outputShape }) => outputShape.length === 4 && Number(outputShape[1]) > 1,
  );
  const layer = known ?? maps.at(-1);
  if (!layer)
    throw new Error("This model has no feature map to learn from. Use a convolutional one.");
  return layer;
}
