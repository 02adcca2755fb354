/** Runs ONNX models in ONNX Runtime Web on a named execution provider, and on no other. */
import { RuntimeFailure } from './runtimes/failure.js';
import { checkNames, mapped } from './runtimes/record.js';
import { describeDevice, requireAdapter } from './runtimes/webgpu.js';

/** @typedef {import('./safetensors.js').Tensors} Tensors */
/** @typedef {import('./page.js').OpenRequest} OpenRequest */
/** @typedef {import('./page.js').Model} Model */

const PACKAGE = new URL('/node_modules/onnxruntime-web/dist/', location.href).href;
/** One operator, Identity, in ONNX' binary form. */
const SMALLEST =
  'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=';

/** @type {Promise<any> | undefined} */
let runtime;

/**
 * @param {OpenRequest} request
 * @returns {Promise<Model>}
 */
export async function open(request) {
  const { backend, url, files, inputs, outputs } = request;
  runtime ??= start(request);
  const ort = await runtime;
  const began = performance.now();
  const externalData = files
    .filter((name) => !url.endsWith(name))
    .map((name) => ({ path: name, data: new URL(name, url).href }));
  const session = await explained(
    ort.InferenceSession.create(url, { executionProviders: [backend], externalData }),
  );
  const loadMs = performance.now() - began;
  checkNames(session.inputNames, inputs, 'takes');
  checkNames(session.outputNames, outputs, 'returns');
  const details = await describe(ort, backend);
  const memory = () => ({ tensors: null, tensorBytes: null });
  return { loadMs, details, memory, run: (tensors) => explained(run(ort, session, tensors)) };
}

/**
 * The runtime, with its own WebAssembly fetched and compiled: that is no artifact's load time.
 * All models of a page share it.
 * @param {OpenRequest} request
 */
async function start({ backend, settings }) {
  if (backend === 'webgpu') await requireAdapter();
  const ort = await import(`${PACKAGE}ort.${backend}.min.mjs`);
  ort.env.logLevel = 'error';
  ort.env.wasm.wasmPaths = PACKAGE;
  if (settings.threads) ort.env.wasm.numThreads = settings.threads;
  const bytes = Uint8Array.from(atob(SMALLEST), (char) => char.charCodeAt(0));
  const smallest = await ort.InferenceSession.create(bytes, { executionProviders: [backend] });
  await smallest.release();
  return ort;
}

/**
 * @param {any} ort
 * @param {any} session
 * @param {Tensors} tensors
 * @returns {Promise<Tensors>}
 */
async function run(ort, session, tensors) {
  const feeds = mapped(tensors, ({ dtype, data, shape }) => new ort.Tensor(dtype, data, shape));
  // Outputs come to the CPU before the promise resolves: a GPU's work is over.
  const results = await session.run(feeds);
  return mapped(results, ({ type, data, dims }) => ({ dtype: type, data, shape: [...dims] }));
}

/**
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
async function explained(work) {
  try {
    return await work;
  } catch (error) {
    // The model's float16 arithmetic needs what the adapter does not offer.
    const lacking = /\bf16\b|ShaderF16/i.exec(String(error));
    if (lacking) {
      const message = 'the WebGPU adapter has no float16 shaders (shader-f16)';
      throw new RuntimeFailure('unavailable', message);
    }
    throw error;
  }
}

/**
 * @param {any} ort
 * @param {string} backend
 */
async function describe(ort, backend) {
  const { numThreads } = ort.env.wasm;
  return {
    runtime: 'onnxruntime-web',
    runtimeVersion: ort.env.versions.web,
    backend,
    // ONNX Runtime Web has no build without it.
    simd: true,
    multithreaded: numThreads > 1,
    threads: numThreads,
    logicalCores: navigator.hardwareConcurrency,
    ...(backend === 'webgpu' ? await describeDevice(await ort.env.webgpu.device) : {}),
  };
}
