/** Runs TF.js graph and layers models on a named backend, and on no other. */
import { RuntimeFailure } from './runtimes/failure.js';
import { mapped } from './runtimes/record.js';
import { graphPredictor, layersPredictor } from './runtimes/tfjs/predict.js';
import { describeDevice, requireAdapter } from './runtimes/webgpu.js';

/** @typedef {import('./safetensors.js').Tensors} Tensors */
/** @typedef {import('./page.js').OpenRequest} OpenRequest */
/** @typedef {import('./page.js').Model} Model */
/** @typedef {Record<string, any>} Named TF.js tensors by public name */

const PACKAGES = new URL('/node_modules/@tensorflow/', location.href).href;
const CORE = `${PACKAGES}tfjs/dist/tf.es2017.min.js`;
const WASM_FOLDER = `${PACKAGES}tfjs-backend-wasm/dist/`;
/** Backends that are scripts of their own. */
const SCRIPTS = {
  wasm: `${WASM_FOLDER}tf-backend-wasm.es2017.min.js`,
  webgpu: `${PACKAGES}tfjs-backend-webgpu/dist/tf-backend-webgpu.es2017.min.js`,
};

/**
 * @param {OpenRequest} request
 * @returns {Promise<Model>}
 */
export async function open(request) {
  const { backend, format, url, inputs, outputs } = request;
  const tf = await ready(request);
  const start = performance.now();
  const layers = format === 'tfjs-layers';
  const model = await (layers ? tf.loadLayersModel(url) : tf.loadGraphModel(url));
  const loadMs = performance.now() - start;
  assertBackend(tf, backend);
  const predict = layers
    ? layersPredictor(model, inputs, outputs)
    : graphPredictor(model, outputs);
  const details = await describe(tf, backend);
  return { loadMs, details, run: (tensors) => run(tf, predict, tensors), memory: () => memory(tf) };
}

/**
 * TF.js on the backend that is asked for. All models of a page share it.
 * @param {OpenRequest} request
 * @returns {Promise<any>}
 */
async function ready({ backend, settings }) {
  const page = /** @type {any} */ (globalThis);
  if (!page.tf) {
    if (settings.threads) offerCores(2 * settings.threads);
    await loadScript(CORE);
    page.tf.env().setFlags(settings.flags ?? {});
    await useBackend(page.tf, backend);
  }
  assertBackend(page.tf, backend);
  return page.tf;
}

/**
 * @param {any} tf
 * @returns {import('./page.js').Memory}
 */
function memory(tf) {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, tensorBytes: numBytes };
}

/**
 * A classic script, since TF.js' ES module bundle of the wasm backend imports Node's modules.
 * @param {string} src
 */
function loadScript(src) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src });
    script.onload = () => resolve(undefined);
    script.onerror = () => reject(unavailable(`${src} could not be loaded`));
    document.head.append(script);
  });
}

/**
 * TF.js' wasm backend takes half of the cores that the browser names: 1 on a machine with two.
 * @param {number} count
 */
function offerCores(count) {
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: count });
}

/**
 * @param {any} tf
 * @param {string} backend
 */
async function useBackend(tf, backend) {
  if (backend === 'webgpu') await requireAdapter();
  const script = /** @type {Record<string, string>} */ (SCRIPTS)[backend];
  if (script) await loadScript(script);
  if (backend === 'wasm') tf.wasm.setWasmPaths(WASM_FOLDER);
  await tf.setBackend(backend);
  await tf.ready();
  assertBackend(tf, backend);
}

/**
 * TF.js moves on to another backend without a word when one does not start.
 * @param {any} tf
 * @param {string} backend
 */
function assertBackend(tf, backend) {
  const actual = tf.getBackend();
  if (actual !== backend) {
    throw unavailable(`TF.js runs on "${actual}" where "${backend}" was asked for`);
  }
}

/**
 * @param {any} tf
 * @param {(feeds: Named) => Promise<Named>} predict
 * @param {Tensors} inputs
 * @returns {Promise<Tensors>}
 */
async function run(tf, predict, inputs) {
  const backend = tf.getBackend();
  const feeds = mapped(inputs, ({ data, shape, dtype }) => tf.tensor(data, shape, dtype));
  const results = await predict(feeds);
  const read = Object.entries(results).map(async ([name, tensor]) => {
    const { dtype, shape } = tensor;
    return [name, { dtype, shape, data: await tensor.data() }];
  });
  const outputs = Object.fromEntries(await Promise.all(read));
  tf.dispose([feeds, results]);
  if (backend === 'webgl' && tf.backend().gpgpu.gl.isContextLost()) {
    throw new Error('the WebGL context was lost');
  }
  return outputs;
}

/**
 * @param {any} tf
 * @param {string} backend
 */
async function describe(tf, backend) {
  const base = {
    runtime: '@tensorflow/tfjs',
    runtimeVersion: tf.version.tfjs,
    backend: tf.getBackend(),
  };
  const more = { wasm: describeWasm, webgl: describeWebgl, webgpu: describeWebgpu };
  const found = await /** @type {Record<string, Function>} */ (more)[backend]?.(tf);
  return { ...base, ...found };
}

/** @param {any} tf */
async function describeWasm(tf) {
  return {
    simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'),
    multithreaded: await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
    threads: tf.wasm.getThreadsCount(),
    logicalCores: navigator.hardwareConcurrency,
  };
}

/** @param {any} tf */
function describeWebgpu(tf) {
  return describeDevice(tf.backend().device);
}

/** @param {any} tf */
function describeWebgl(tf) {
  const { gl } = tf.backend().gpgpu;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  return {
    renderer: gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER),
    webglVersion: tf.env().getNumber('WEBGL_VERSION'),
    // Not floatPrecision(): it says 16 where the flag below is true.
    textureFloatBits: tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') ? 32 : 16,
  };
}

/** @param {string} message */
const unavailable = (message) => new RuntimeFailure('unavailable', message);
