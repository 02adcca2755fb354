/** Models for tests of users' own code, in Node or anywhere: answers that are given, no browser, no download. */
import { LoadError, ModelError } from "./errors.js";
import { checkFeeds } from "./runtimes/feeds.js";
import { unlessAborted } from "./transport.js";

export { LoadError, ModelError };

/** @typedef {import("./testing.js").FakeOptions<any>} FakeOptions */

/**
 * @param {FakeOptions} options
 * @returns {any}
 */
export function fakeModel({ manifest, answers = {}, info: more } = {}) {
  /** @type {Promise<unknown>} the call before */
  let last = Promise.resolve();
  let disposed = false;
  const methods = Object.keys(answers).filter((name) => name !== "predict");
  const info = { ...infoOf(manifest), methods, ...more };

  /**
   * Calls are answered in the order in which they were made.
   * @param {string} method
   * @param {any} value
   * @param {any} options
   */
  const ask = async (method, value, { signal, ...options } = {}) => {
    signal?.throwIfAborted();
    const turn = last;
    const answer = turn.then(() => {
      signal?.throwIfAborted();
      if (disposed) throw new ModelError("disposed", "disposed of: load it again");
      if (method === "predict" && manifest) checked(value, manifest.inputs);
      return given(answers, method, value, options);
    });
    last = answer.catch(() => {});
    return unlessAborted(answer, signal);
  };
  const dispose = async () => {
    disposed = true;
  };

  /** @type {any} */
  const model = {
    info,
    predict: (/** @type {any} */ tensors, /** @type {any} */ options) =>
      ask("predict", tensors, options),
    memory: () => ask("memory", undefined, {}),
    dispose,
    [Symbol.asyncDispose ?? "dispose"]: dispose,
    [Symbol.dispose ?? "dispose"]: dispose,
    stream: (/** @type {any} */ source, /** @type {any} */ options) =>
      streamed(model, source, options),
  };
  for (const name of methods) {
    model[name] ??= async (/** @type {any} */ value, /** @type {any} */ options) =>
      Object.assign(await ask(name, value, options), { artifact: info.artifact });
  }
  return model;
}

/**
 * @param {Record<string, any>} answers
 * @param {string} method
 * @param {any} value
 * @param {any} options
 */
async function given(answers, method, value, options) {
  if (method === "memory") return { tensors: 0, bytes: 0 };
  const answer = answers[method];
  if (answer === undefined) {
    throw new ModelError("input", `this fake was given no answer: set answers.${method}`);
  }
  const found = typeof answer === "function" ? await answer(value, options) : answer;
  if (found instanceof Error) throw found;
  // What comes from a worker is a copy too.
  return structuredClone(found);
}

/**
 * @param {any} tensors
 * @param {any[]} inputs
 */
function checked(tensors, inputs) {
  try {
    checkFeeds(tensors, inputs);
  } catch (/** @type {any} */ error) {
    throw new ModelError(error.code, error.message);
  }
}

/**
 * @param {any} [manifest]
 * @returns {import("./index.js").ModelInfo}
 */
function infoOf(manifest) {
  const [artifact] = manifest?.artifacts ?? [];
  const proof = artifact?.validation.find(
    (/** @type {any} */ { engine, status }) => engine && status === "pass",
  );
  return {
    name: manifest?.name ?? "fake",
    release: manifest?.release ?? "fake",
    artifact: artifact?.id ?? "fake",
    backend: proof?.backend ?? "tfjs-wasm",
    thread: "worker",
    methods: [],
    why: ["a fake: its answers were given"],
    tried: [],
    hardware: {},
    bytes: { fetched: 0, cached: 0, total: 0 },
    offline: false,
    loadMs: 0,
    warnings: [],
    cascade: null,
  };
}

/** Of a video that shows as many frames a second. */
const FRAME_MS = 40;

/**
 * @param {any} model
 * @param {any} source an iterable of frames, or one of them
 * @param {any} options
 */
async function* streamed(model, source, { method, signal, track, smooth, ...options } = {}) {
  const ask = method ?? model.info.methods[0];
  if (!model.info.methods.includes(ask)) {
    const there = model.info.methods.join(", ") || "none: it takes tensors";
    throw new ModelError("input", `this model has no method ${ask}; there is ${there}`);
  }
  const frames = source?.[Symbol.asyncIterator] || source?.[Symbol.iterator] ? source : [source];
  let timestamp = 0;
  for await (const frame of frames) {
    signal?.throwIfAborted();
    yield { result: await model[ask](frame, { ...options, signal }), timestamp, dropped: 0 };
    timestamp += FRAME_MS;
  }
}

/** @type {typeof import("./testing.js").fakeLoad} */
export const fakeLoad = (models) => async (url, options) => {
  const { signal, onProgress } = options ?? {};
  signal?.throwIfAborted();
  const model = models[String(url)];
  if (!model) {
    throw new LoadError("http", `${url}: HTTP 404`, { url: String(url), status: 404 });
  }
  if (model instanceof Error) throw model;
  onProgress?.({ loaded: 1, total: 1, fetched: 1, cached: 0, files: [] });
  return fakeModel(model);
};
