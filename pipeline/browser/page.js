/**
 * The page in which an artifact runs. One page, one artifact.
 *
 * The driver calls `start(job)` and waits for the page to POST the job's answer:
 * tensors as safetensors, anything else as JSON, a failure as `{error}`.
 */
import { format, parse } from './safetensors.js';

/** @typedef {import('./safetensors.js').Tensors} Tensors */

/**
 * An artifact, loaded and ready. Each runtime module (`tfjs.js`, …) exports
 * `open(request: OpenRequest): Promise<Model>`.
 * @typedef {Object} Model
 * @property {number} loadMs from asking for the model to having it
 * @property {Record<string, unknown>} details what really runs: backend, threads, renderer, …
 * @property {(inputs: Tensors) => Promise<Tensors>} run resolves when the outputs are read back
 */

/**
 * @typedef {Object} OpenRequest
 * @property {string} runtime the module beside this one that knows how to run it
 * @property {string} backend the runtime's name for where to run
 * @property {string} format
 * @property {string} url of the artifact's entry
 * @property {string[]} inputs public names, in the signature's order
 * @property {string[]} outputs
 */

/** @type {Model | undefined} */
let model;

const jobs = {
  /** @param {OpenRequest} request */
  async open(request) {
    const runtime = await import(`./${request.runtime}.js`);
    model = /** @type {Model} */ (await runtime.open(request));
    return { ...model.details, loadMs: model.loadMs, crossOriginIsolated };
  },

  /** @param {{inputs: string}} request */
  async infer({ inputs }) {
    return format(await opened().run(await fetchTensors(inputs)));
  },

  /**
   * Each time runs from typed arrays in to typed arrays out.
   * @param {{inputs: string, warmups: number, repeats: number}} request
   */
  async time({ inputs, warmups, repeats }) {
    const tensors = await fetchTensors(inputs);
    const firstMs = await elapsed(tensors);
    for (let i = 0; i < warmups; i++) await opened().run(tensors);
    const warmMs = [];
    for (let i = 0; i < repeats; i++) warmMs.push(await elapsed(tensors));
    return { firstMs, warmMs };
  },
};

/** @returns {Model} */
function opened() {
  if (!model) throw new Error('no artifact is open');
  return model;
}

/** @param {Tensors} tensors */
async function elapsed(tensors) {
  const start = performance.now();
  await opened().run(tensors);
  return performance.now() - start;
}

/** @param {string} url */
async function fetchTensors(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: HTTP ${response.status}`);
  return parse(await response.arrayBuffer());
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof Error) return { name: error.name, message: error.message };
  // TF.js' wasm backend rejects with a bare {message}.
  return { name: 'Error', message: String(/** @type {any} */ (error)?.message ?? error) };
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
  const type = body instanceof Blob ? 'application/octet-stream' : 'application/json';
  await fetch(answer, { method: 'POST', headers: { 'Content-Type': type }, body });
}

/** @param {Parameters<typeof perform>[0]} task */
function start(task) {
  // Later, so that the driver's own call returns at once and it can bound the wait.
  setTimeout(() => perform(task), 0);
}

Object.assign(globalThis, { start });
