/** Runs ONNX models from memory in ONNX Runtime Web on one execution provider, and on no other. */
import { RuntimeFailure, explaining } from "../failure.js";
import { checkNames, mapped, namesOf } from "../record.js";
import { threadCount } from "../threads.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */
/** @typedef {import("../contract.js").StartRequest} StartRequest */
/** @typedef {import("../contract.js").Model} Model */
/** @typedef {import("../contract.js").Tensors} Tensors */

/**
 * @typedef {Object} Provider
 * @property {string} NAME ONNX Runtime's own
 * @property {string} WASM the asset that it runs
 * @property {() => Promise<void>} prepare
 * @property {(ort: any) => Promise<{described: any, check: () => void}>} describe
 */

/** One operator, Identity, in ONNX' binary form. */
const SMALLEST =
  "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=";

/**
 * The runtime's WebAssembly is compiled while the model's files still come: ONNX Runtime starts with
 * its first session.
 * @param {any} ort a build of ONNX Runtime Web
 * @param {Provider} provider
 * @returns {(request: StartRequest) => Promise<void>}
 */
export function preparer(ort, provider) {
  return (request) =>
    explaining(async () => {
      await start(ort, provider, request);
      const bytes = Uint8Array.from(atob(SMALLEST), (char) => char.charCodeAt(0));
      const smallest = await create(ort, provider, { entry: bytes.buffer, files: {} });
      await smallest.release();
    });
}

/**
 * @param {any} ort a build of ONNX Runtime Web
 * @param {Provider} provider
 * @returns {(request: OpenRequest) => Promise<Model>}
 */
export function opener(ort, provider) {
  return (request) =>
    explaining(async () => {
      if (request.format !== "onnx") {
        throw new RuntimeFailure("format", `this bundle runs onnx, not ${request.format}`);
      }
      await start(ort, provider, request);
      const session = await create(ort, provider, request);
      try {
        return await described(ort, provider, session, request);
      } catch (error) {
        await session.release().catch(() => {}); // what is broken may not be able to let go
        throw error;
      }
    });
}

/**
 * @param {any} ort
 * @param {Provider} provider
 * @param {any} session
 * @param {OpenRequest} request
 * @returns {Promise<Model>}
 */
async function described(ort, provider, session, { inputs, outputs }) {
  checkNames(session.inputNames, namesOf(inputs), "takes");
  checkNames(session.outputNames, namesOf(outputs), "returns");
  const { described, check } = await provider.describe(ort);
  return {
    details: { ...common(ort, provider), ...described },
    run: (feeds) => explaining(() => run(ort, session, feeds, check)),
    memory: () => ({ tensors: null, bytes: null }),
    dispose: once(() => session.release()),
  };
}

/**
 * @param {any} ort
 * @param {Provider} provider
 * @param {StartRequest} request
 */
async function start(ort, provider, { assets = {}, threads }) {
  await provider.prepare();
  const wasm = assets[provider.WASM];
  if (!wasm) throw new RuntimeFailure("unavailable", `${provider.WASM} was not given`);
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = threadCount(threads);
}

/**
 * @param {any} ort
 * @param {Provider} provider
 * @param {Pick<OpenRequest, "entry" | "files">} request
 */
async function create(ort, provider, { entry, files }) {
  const externalData = Object.entries(files).map(([path, data]) => ({
    path,
    data: new Uint8Array(data),
  }));
  const options = { executionProviders: [provider.NAME], externalData };
  try {
    return await ort.InferenceSession.create(new Uint8Array(entry), options);
  } catch (error) {
    throw lacking(error);
  }
}

/**
 * @param {any} error of a session
 * @returns {any} the same, or what this browser lacks for it
 */
function lacking(error) {
  const text = String(error?.message ?? error);
  // The model's float16 arithmetic needs what the adapter does not offer.
  if (/\bf16\b|ShaderF16/i.test(text)) {
    return new RuntimeFailure(
      "unavailable",
      "the WebGPU adapter has no float16 shaders (shader-f16)",
    );
  }
  return /no available backend/i.test(text) ? new RuntimeFailure("unavailable", text) : error;
}

/**
 * @param {any} ort
 * @param {any} session
 * @param {Tensors} inputs
 * @param {() => void} check
 * @returns {Promise<Tensors>}
 */
async function run(ort, session, inputs, check) {
  check();
  const feeds = mapped(inputs, ({ dtype, data, shape }) => new ort.Tensor(dtype, data, shape));
  try {
    // Outputs come to the CPU before the promise resolves: a GPU's work is over.
    const results = await session.run(feeds);
    return mapped(results, (/** @type {any} */ { type, data, dims }) => ({
      dtype: type,
      data,
      shape: [...dims],
    }));
  } catch (error) {
    throw lacking(error);
  } finally {
    check();
  }
}

/**
 * @param {any} ort
 * @param {Provider} provider
 */
function common(ort, provider) {
  return {
    backend: provider.NAME,
    version: ort.env.versions.web,
    // ONNX Runtime Web has no build without it.
    simd: true,
    threads: ort.env.wasm.numThreads,
  };
}

/** @param {() => Promise<void>} work */
function once(work) {
  /** @type {Promise<void> | undefined} */
  let done;
  return () => (done ??= work());
}
