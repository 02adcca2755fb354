/**
 * Which artifact on which backend: the rule.
 *
 * 1. Out is what cannot work here: what failed its proof in this engine or passed nowhere on the
 *    backend, a backend that this browser lacks, 16-bit textures where that was not measured to be
 *    safe, more weights than a GPU buffer holds.
 * 2. What was proved in this engine comes before what was proved in others; a GPU that nobody
 *    measured comes after what was measured, and then a software renderer. What another artifact
 *    dominates comes after all others: it is for where those fail.
 * 3. Within that, the least seconds: to fetch artifact and runtime, for the first run, and for 100
 *    more as measured on such hardware. Only the bytes count where the user saves data or the
 *    device has no more than 1 GiB of memory.
 * 4. Of equals (within 5 %) the safer: the more accurate, then wasm before WebGPU before WebGL.
 *
 * A caller's `artifact` or `backend` leaves only what it names, and there dominated ones are as others.
 *
 * @typedef {import("./device.js").Device} Device
 * @typedef {{artifact?: string, backend?: string}} Wish
 * @typedef {{artifact: any, backend: string, parts: any[], bytes: number, rank: number, cost: number,
 *            worth: number, place: number, ms?: number, out: string | number | false}} Tier `out`: why it is, of reasons.js or in words; `ms`: of a run, where it is known
 */

import {
  HALF_UNSAFE,
  NO_HALF_SHADERS,
  NO_RUNTIME,
  NOT_OFFERED,
  NOT_PROVED,
  TOO_LARGE,
} from "./reasons.js";

const RUNS = 100;
const SAFEST = "wasm webgpu webgl";

/**
 * @param {any} manifest
 * @param {Device} device
 * @param {Wish} wish
 * @returns {Tier[]} the best first, also those that are out
 */
export const choose = (manifest, device, wish) => {
  /** @type {Tier[]} */
  const all = [];
  for (const artifact of manifest.artifacts) {
    const backends = artifact.validation.flatMap((/** @type {any} */ proof) =>
      proof.engine ? proof.backend : [],
    );
    for (const backend of new Set(backends)) {
      const asked =
        (wish.artifact ?? artifact.id) === artifact.id && (wish.backend ?? backend) === backend;
      if (asked) all.push(weigh(artifact, backend, manifest, device, wish));
    }
  }
  return all.sort(
    (a, b) =>
      a.rank - b.rank ||
      far(a.cost, b.cost) ||
      b.worth - a.worth ||
      a.place - b.place ||
      a.cost - b.cost,
  );
};

/**
 * @param {any} artifact
 * @param {string} backend
 * @param {any} manifest
 * @param {Device} device
 * @param {Wish} wish
 * @returns {Tier}
 */
const weigh = (artifact, backend, manifest, device, wish) => {
  const kind = backend.split("-")[1];
  /** @type {import("./device.js").Gpu | null | undefined} none where the backend needs none */
  const gpu = /** @type {any} */ (device)[kind];
  const here = (/** @type {any} */ proof) => proof.engine === device.engine;
  const all = artifact.validation.filter((/** @type {any} */ proof) => proof.backend === backend);
  const own = all.filter(passed);
  const like = own.filter(
    (/** @type {any} */ proof) => proof.hardware.kind === (gpu ? "gpu" : "cpu"),
  );
  const { latency = {} } = like.find(here) ?? like[0] ?? artifact.validation.find(passed) ?? {};
  const runtime = runtimeOf(manifest, artifact, backend);
  const parts = runtime ? partsOf(runtime, manifest, device) : [];
  const bytes = [artifact, ...parts].reduce((sum, one) => sum + (one.br_bytes ?? one.bytes), 0);
  const seconds = bytes / device.speed + (latency.first_ms + RUNS * latency.median_ms) / 1000;
  return {
    artifact,
    backend,
    parts,
    bytes,
    // Dominated ones have the same four once more; of one artifact that is asked for, all tiers have.
    rank:
      (gpu?.software ? 3 : !like.length ? 2 : own.some(here) ? 0 : 1) +
      (artifact.dominated_by && !wish.backend ? 4 : 0),
    cost: device.sparing ? bytes : seconds,
    // NaN where nobody measured it, which tells none apart.
    worth: (manifest.accuracy?.better === "lower" ? -1 : 1) * artifact.accuracy?.value,
    place: SAFEST.indexOf(kind),
    ms: like.length && latency.median_ms,
    out: !runtime
      ? NO_RUNTIME
      : gpu === null || !parts.length
        ? NOT_OFFERED
        : !own.length || all.some((/** @type {any} */ proof) => here(proof) && !passed(proof))
          ? NOT_PROVED
          : gpu?.bits === 16 && !artifact.half_precision.safe
            ? HALF_UNSAFE
            : gpu?.f16 === false && /^onnx.*(fp|float)16/.test(artifact.id)
              ? NO_HALF_SHADERS
              : // No tensor is larger than all of them; without a bound none is too large.
                4 * manifest.source.parameters > /** @type {any} */ (gpu?.maxBytes) && TOO_LARGE,
  };
};

/** @param {any} proof */
const passed = (proof) => proof.status === "pass";

/**
 * @param {any} manifest
 * @param {{format: string}} artifact
 * @param {string} backend
 * @returns {any} what runs the artifact there, if the release has it: layers models have their own
 */
export const runtimeOf = ({ runtimes }, { format }, backend) =>
  runtimes?.[backend + (format === "tfjs-layers" ? "-layers" : "")];

/**
 * The runtime's bundle; of its own files, of which those that ask for more come later, the last that
 * asks for nothing that is missing here, in all its parts; and the task's module.
 * @param {{files: any[]}} runtime
 * @param {any} manifest
 * @param {Device} device
 * @returns {any[]} none where it cannot run without what is missing
 */
export const partsOf = ({ files: [bundle, ...own] }, { runtimes, task }, { features }) => {
  const last = own.findLast((file) =>
    file.features.every((/** @type {any} */ one) => features.includes(one)),
  );
  const parts = own.filter((file) => file.features.join() === last?.features.join());
  return own[0] && !last ? [] : [bundle, ...parts, ...(runtimes[task]?.files ?? [])];
};

/**
 * The difference, where it is one.
 * @param {number} a
 * @param {number} b
 */
const far = (a, b) => (a > 1.05 * b || b > 1.05 * a ? a - b : 0);
