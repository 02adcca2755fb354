/**
 * What every bundle of this folder exports: `open(delivery) -> Promise<Model>`, and
 * `prepare({assets, threads}) -> Promise<void>`, which does what can be done before a model is there.
 *
 * @typedef {import("../../backends/web/page/safetensors.js").Tensors} Tensors
 * @typedef {{name: string, dtype: string, shape: (number | null)[]}} Spec
 *
 * @typedef {Object} StartRequest
 * @property {Record<string, string>} [assets] URLs, blob: or not, of the runtime's own files by name
 * @property {number} [threads] at most; more than one needs a cross-origin isolated page
 *
 * @typedef {StartRequest & ModelRequest} OpenRequest
 *
 * @typedef {Object} ModelRequest
 * @property {string} format `tfjs-graph`, `tfjs-layers` or `onnx`
 * @property {ArrayBuffer} entry the model.json or .onnx file
 * @property {Record<string, ArrayBuffer>} files the others, by the name that the entry gives them
 * @property {Spec[]} inputs as the manifest has them
 * @property {Spec[]} outputs
 *
 * @typedef {Object} Delivery what a client hands over
 * @property {any} artifact of the manifest; where it has a canary and answers otherwise, it does not open
 * @property {any} manifest
 * @property {ArrayBuffer[]} contents of the artifact's files, in their order
 * @property {Record<string, ArrayBuffer>} assets the runtime's own files by name, or their parts
 * @property {number} [threads]
 *
 * @typedef {Object} Details what really runs
 * @property {string} backend
 * @property {string} version the runtime's
 * @property {string} [renderer] the GPU's name, or a rasterizer's
 * @property {boolean} [simd]
 * @property {number} [threads]
 * @property {16 | 32} [textureFloatBits]
 * @property {boolean} [shaderF16]
 * @property {boolean} [fallbackAdapter]
 *
 * @typedef {Object} Model
 * @property {(feeds: Tensors) => Promise<Tensors>} run
 * @property {() => {tensors: number | null, bytes: number | null}} memory of all models of this
 *   runtime together; null where it does not tell
 * @property {() => Promise<void>} dispose
 * @property {Details} details
 */

export {};
