/**
 * The page in which artifacts run: the one that is proved, and a reference that it is timed with.
 *
 * The driver calls `start(job)` and waits for the page to POST the job's answer:
 * tensors as safetensors, anything else as JSON, a failure as `{error}`.
 */
import { held, look } from "./client/chain.js";
import { partsOf } from "./client/choose.js";
import { probe } from "./client/device.js";
import { starting } from "./client/runtime.js";
import { RuntimeFailure } from "./client/runtimes/failure.js";
import { download } from "./client/transport.js";
import { format, parse } from "./safetensors.js";

/** @typedef {import("./safetensors.js").Tensors} Tensors */
/** @typedef {import("../../../client/runtimes/contract.js").Model} Model */

/**
 * @typedef {Object} Effort
 * @property {number} warmups untimed inferences of each model, at least
 * @property {number} repeats timed ones
 * @property {number} seconds that each of the two goes on for
 */

/**
 * @typedef {Object} Remote
 * @property {string} url
 * @property {number} [bytes]
 */

/**
 * @typedef {Object} OpenRequest
 * @property {string} id what later jobs call it
 * @property {any} artifact as `artifact.json` describes it; each of its files has a `url` beside
 * @property {{files: (Remote & {name: string, path: string, features?: string[]})[]}} runtime the bundle
 *   that a release publishes, then its own files
 * @property {number | null} threads that WebAssembly is to have
 */

/**
 * @typedef {Object} Reader a model that is open, and the code of its task
 * @property {string} id
 * @property {string} code its URL
 * @property {any} manifest what the code asks of a release's
 */

/** @type {Map<string, Model>} */
const models = new Map();

const jobs = {
  /** @param {OpenRequest} request */
  async open({ id, artifact, runtime, threads }) {
    const device = await probe("", threads ?? undefined);
    const parts = partsOf(runtime, { runtimes: {} }, device);
    if (!parts[0]) throw new RuntimeFailure("unavailable", "this browser has no WebAssembly SIMD");
    const started = starting(parts, parts, device.threads);
    // The runtime's start is no artifact's load time.
    await Promise.all(parts.map(async (part, i) => started.take(i, await fetched(part))));
    const start = performance.now();
    const contents = Promise.all([...parts, ...artifact.files.map(fetched)]);
    const [model] = await started.open(artifact, artifact, contents);
    const loadMs = performance.now() - start;
    models.set(id, model);
    const { version: runtimeVersion, ...details } = model.details;
    const logicalCores = navigator.hardwareConcurrency;
    return { ...details, runtimeVersion, logicalCores, crossOriginIsolated, loadMs };
  },

  /** @param {{id: string, inputs: string}} request */
  async infer({ id, inputs }) {
    return format(await opened(id).run(await fetchTensors(inputs)));
  },

  /**
   * What a model answers where a detector finds something, and once more where that says to look: as
   * a release does it, whose code of both tasks this is.
   * @param {{model: Reader, detector: Reader, region: import("../../../client/chain.js").Rule, pictures: string[]}} request
   */
  async look({ model, detector, region, pictures }) {
    const [read, find] = await Promise.all([model, detector].map(reader));
    /** @type {Record<string, any[]>} */
    const answered = { first: [], next: [], firstMs: [], nextMs: [] };
    for (const picture of pictures) {
      const file = await (await fetch(picture)).blob();
      /** @type {any[] | undefined} */
      let known;
      for (const turn of ["first", "next"]) {
        const image = await held(file);
        const start = performance.now();
        const detect = async () => (known ? [] : find(image, { max: region.max }));
        const answers = await look(
          region,
          detect,
          (square) => read(image, { region: square }),
          known,
        );
        answered[`${turn}Ms`].push(performance.now() - start);
        answered[turn].push(answers);
        known = answers.map((answer) => answer.region);
        image.held.close();
      }
    }
    return answered;
  },

  /** @param {{id: string}} request */
  async memory({ id }) {
    const { tensors, bytes } = opened(id).memory();
    return { tensors, tensorBytes: bytes };
  },

  /**
   * The first inference, from typed arrays in to typed arrays out.
   * @param {{id: string, inputs: string}} request
   */
  async first({ id, inputs }) {
    return { firstMs: await elapsed(opened(id), await fetchTensors(inputs)) };
  },

  /**
   * Milliseconds of warm inferences by model, in turn: A B, B A, A B, …
   * @param {{ids: string[], inputs: string} & Effort} request
   */
  async time({ ids, inputs, warmups, repeats, seconds }) {
    const tensors = await fetchTensors(inputs);
    for (const _ of pace(warmups, seconds)) {
      for (const id of ids) await opened(id).run(tensors);
    }
    /** @type {Record<string, number[]>} */
    const times = Object.fromEntries(ids.map((id) => [id, []]));
    for (const i of pace(repeats, seconds)) {
      // What comes second may find caches warm or a clock slowed down: each comes second in turn.
      const order = i % 2 ? [...ids].reverse() : ids;
      for (const id of order) times[id].push(await elapsed(opened(id), tensors));
    }
    return times;
  },
};

/** However quick an inference is, and however slow. */
const MOST = 400;
const FEWEST = 4;
const LONGEST_S = 10;

/**
 * Counts repeats: at least so many, at least so long. More than MOST are not made to fill the
 * time; after LONGEST_S seconds FEWEST have to do.
 * @param {number} least
 * @param {number} seconds
 */
function* pace(least, seconds) {
  const start = performance.now();
  for (let done = 0; ; done++) {
    const passed = (performance.now() - start) / 1000;
    const short = done < least && (done < FEWEST || passed < LONGEST_S);
    if (!short && !(passed < seconds && done < MOST)) return;
    yield done;
  }
}

/**
 * @param {string} id
 * @returns {Model}
 */
function opened(id) {
  const model = models.get(id);
  if (!model) throw new Error(`no artifact is open as "${id}"`);
  return model;
}

/**
 * @param {Model} model
 * @param {Tensors} tensors
 */
async function elapsed(model, tensors) {
  const start = performance.now();
  await model.run(tensors);
  return performance.now() - start;
}

/** @param {string} url */
async function fetchTensors(url) {
  return parse(await (await fetch(url)).arrayBuffer());
}

/**
 * As clients fetch it, but once: what this server does not have, it will not have.
 * @param {Remote} file
 */
const fetched = ({ url, bytes }) => download(url, { bytes, tries: 1 });

/**
 * As a client's session asks.
 * @param {Reader} of
 * @returns {Promise<(image: any, options: any) => Promise<any[]>>}
 */
async function reader({ id, code, manifest }) {
  const { inputOf, methods } = await import(code);
  const [method] = /** @type {any[]} */ (Object.values(methods));
  return async (image, options) => {
    const feeds = await inputOf(image, manifest, {}, options);
    return method(await opened(id).run(feeds), manifest, options, feeds);
  };
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof Error) {
    const { name, message, code } = /** @type {any} */ (error);
    return { name, message, code };
  }
  // TF.js' wasm backend rejects with a bare {message}.
  return { name: "Error", message: String(/** @type {any} */ (error)?.message ?? error) };
}

/** @param {{job: keyof typeof jobs, request: any, answer: string}} task */
async function perform({ job, request, answer }) {
  /** @type {Blob | string} */
  let body;
  try {
    const result = await jobs[job](request);
    body = result instanceof Blob ? result : JSON.stringify(result);
  } catch (error) {
    body = JSON.stringify({ error: describe(error) });
  }
  const type = body instanceof Blob ? "application/octet-stream" : "application/json";
  await fetch(answer, { method: "POST", headers: { "Content-Type": type }, body });
}

/** @param {Parameters<typeof perform>[0]} task */
function start(task) {
  // Later, so that the driver's own call returns at once and it can bound the wait.
  setTimeout(() => perform(task), 0);
}

Object.assign(globalThis, { start });
