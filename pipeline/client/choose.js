/**
 * Which artifact on which backend: the rule.
 *
 * 1. Out is what cannot work here or is beaten: what another artifact dominates, what failed its
 *    proof in this engine or passed nowhere on the backend, a backend that this browser lacks,
 *    16-bit textures where that was not measured to be safe, more weights than a GPU buffer holds.
 * 2. What was proved in this engine comes before what was proved in others; a GPU that nobody
 *    measured comes after what was measured; a software renderer comes last.
 * 3. Within that, the least seconds: to fetch artifact and runtime, for the first run, and for 100
 *    more as measured on such hardware. Only the bytes count where the user saves data or the
 *    device has no more than 1 GiB of memory.
 * 4. Of equals (within 5 %) the safer: the more accurate, then wasm before WebGPU before WebGL.
 *
 * A caller's `artifact` or `backend` leaves only what it names, dominated or not.
 *
 * @typedef {import('./device.js').Device} Device
 * @typedef {{artifact: any, backend: string, parts: any[], bytes: number, rank: number,
 *            cost: number, ms: number | undefined}} Tier
 */

const RUNS = 100;
const SAFEST = ['wasm', 'webgpu', 'webgl'];

/**
 * @param {any} manifest
 * @param {Device} device
 * @param {{artifact?: string, backend?: string}} wish
 * @returns {{tiers: Tier[], out: Set<string>}} the best first; and why others are out
 */
export function choose(manifest, device, wish) {
  /** @type {Tier[]} */
  const tiers = [];
  /** @type {Set<string>} */
  const out = new Set();
  for (const artifact of manifest.artifacts) {
    const proofs = artifact.validation.filter((/** @type {any} */ proof) => proof.engine);
    for (const backend of new Set(proofs.map((/** @type {any} */ proof) => proof.backend))) {
      const asked = (wish.artifact ?? artifact.id) === artifact.id && (wish.backend ?? backend) === backend;
      const runtime = runtimeOf(manifest, artifact, backend);
      if (!asked) continue;
      if (!runtime) {
        out.add(`${backend}: no runtime in this release`);
        continue;
      }
      const tier = weigh(artifact, backend, needed(runtime, device), device);
      const reason = unfit(tier, manifest, device, wish);
      if (reason) out.add(`${artifact.id} on ${backend}: ${reason}`);
      else tiers.push(tier);
    }
  }
  tiers.sort((a, b) => a.rank - b.rank || far(a.cost, b.cost) || safer(a, b) || a.cost - b.cost);
  return { tiers, out };
}

/**
 * @param {any} manifest
 * @param {{format: string}} artifact
 * @param {string} backend
 * @returns {any} what runs the artifact there, if the release has it: layers models have their own
 */
export function runtimeOf({ runtimes }, { format }, backend) {
  return runtimes?.[format === 'tfjs-layers' ? `${backend}-layers` : backend];
}

/**
 * Why a tier is out, if it is.
 * @param {Tier} tier
 * @param {any} manifest
 * @param {Device} device
 * @param {{artifact?: string}} wish
 */
function unfit({ artifact, backend, parts, rank }, manifest, device, wish) {
  const gpu = gpuOf(backend, device);
  if (artifact.dominated_by && !wish.artifact) return `${artifact.dominated_by} is better`;
  if (gpu === null || !parts.length) return `not offered by this browser${self.document ? '' : ' to workers'}`;
  if (rank < 0) return 'did not pass';
  if (gpu?.bits === 16 && !artifact.half_precision.safe) return 'not safe in 16 bits';
  if (gpu?.f16 === false && /^onnx.*(fp|float)16/.test(artifact.id)) return 'no 16-bit shaders';
  // No tensor is larger than all of them; without a bound none is too large.
  return 4 * manifest.source.parameters > Number(gpu?.maxBytes) && 'too large for the GPU';
}

/**
 * @param {any} artifact
 * @param {string} backend
 * @param {any[]} parts
 * @param {Device} device
 * @returns {Tier} its rank below 0 where it is not proved
 */
function weigh(artifact, backend, parts, device) {
  const gpu = gpuOf(backend, device);
  const here = (/** @type {any} */ proof) => proof.engine === device.engine;
  const all = artifact.validation.filter((/** @type {any} */ proof) => proof.backend === backend);
  const own = all.filter(passed);
  const like = own.filter((/** @type {any} */ proof) => proof.hardware.kind === (gpu ? 'gpu' : 'cpu'));
  const { latency = {} } = like.find(here) ?? like[0] ?? artifact.validation.find(passed) ?? {};
  const bytes = [artifact, ...parts].reduce((sum, one) => sum + (one.br_bytes ?? one.bytes), 0);
  const seconds = bytes / device.speed + (latency.first_ms + RUNS * latency.median_ms) / 1000;
  const proved = own.length && !all.some((/** @type {any} */ proof) => here(proof) && !passed(proof));
  return {
    artifact,
    backend,
    parts,
    bytes,
    rank: !proved ? -1 : gpu?.software ? 3 : !like.length ? 2 : own.some(here) ? 0 : 1,
    cost: device.sparing ? bytes : seconds,
    ms: like.length ? latency.median_ms : undefined,
  };
}

/** @param {any} proof */
const passed = (proof) => proof.status === 'pass';

/**
 * The runtime's bundle and, of its own files, the one that asks for most of what there is here.
 * @param {{entry: string, files: any[]}} runtime
 * @param {Device} device
 * @returns {any[]} none where it cannot run without what is missing
 */
function needed({ entry, files }, { features }) {
  const bundle = files.filter(({ path }) => path === entry);
  const own = files.filter(({ path }) => path !== entry);
  const [best] = own
    .filter((file) => file.features.every((/** @type {string} */ one) => features.includes(one)))
    .sort((a, b) => b.features.length - a.features.length);
  return best ? [...bundle, best] : own.length ? [] : bundle;
}

/**
 * @param {string} backend
 * @param {any} device
 * @returns {import('./device.js').Gpu | null | undefined} undefined where it needs none
 */
const gpuOf = (backend, device) => device[backend.split('-')[1]];

/**
 * The difference, where it is one.
 * @param {number} a
 * @param {number} b
 */
const far = (a, b) => (Math.abs(a - b) > 0.05 * Math.min(a, b) ? a - b : 0);

/**
 * @param {Tier} a
 * @param {Tier} b
 */
function safer(a, b) {
  const accuracy = (/** @type {Tier} */ tier) => tier.artifact.accuracy?.value ?? 0;
  const place = (/** @type {Tier} */ tier) => SAFEST.findIndex((name) => tier.backend.endsWith(name));
  return accuracy(b) - accuracy(a) || place(a) - place(b);
}
