/** What a release holds, what of it this browser has, and what would run here: no model and no runtime is loaded. */
import { choose } from "./choose.js";
import { codeOf } from "./code.js";
import { probe } from "./device.js";
import { explained } from "./errors.js";
import { fetchRelease, locate } from "./fetch.js";

export { LoadError, ModelError } from "./errors.js";

/** @typedef {import("./choose.js").Tier} Tier */
/** @typedef {{path: string, sha256: string, bytes: number, br_bytes?: number}} File */

/** @type {typeof import("./inspect.js").inspect} */
export async function inspect(url, { integrity, signal, artifact, backend, threads } = {}) {
  if (!globalThis.createImageBitmap) throw await explained("environment");
  const release = await fetchRelease(url, { integrity, signal });
  /** @type {any} */
  const manifest = release.manifest;
  const device = await probe(JSON.stringify(manifest.runtimes), threads);
  const tiers = choose(manifest, device, { artifact, backend });
  const { methods = {} } = await codeOf(release, signal);
  const kept = new Set(await (await import("./room.js")).keptKeys());
  /** @param {string} root @param {File[]} files */
  const told = (root, files) =>
    locate(root, files).map((file) => ({
      url: file.url,
      bytes: file.bytes,
      transfer: file.br_bytes ?? file.bytes,
      cached: kept.has(file.sha256),
    }));
  const runtimes = new URL("..", release.base).href;
  const best = tiers.find(({ out }) => !out);
  const { name, release: id, task, license, description, created } = manifest;
  return {
    ...{ name, release: id, task, license, description, created },
    offline: release.offline,
    warnings: release.warnings,
    methods: Object.keys(methods),
    artifacts: manifest.artifacts.map((/** @type {any} */ one) => ({
      id: one.id,
      format: one.format,
      accuracy: one.accuracy?.value ?? null,
      ...summed(told(release.base, one.files)),
    })),
    tiers: await Promise.all(tiers.map(shown)),
    chosen: best
      ? {
          ...(await shown(best)),
          ...summed([...told(runtimes, best.parts), ...told(release.base, best.artifact.files)]),
        }
      : null,
  };
}

/** @param {{url: string, bytes: number, transfer: number, cached: boolean}[]} files */
function summed(files) {
  const total = (/** @type {(file: any) => number} */ of) =>
    files.reduce((sum, file) => sum + of(file), 0);
  return {
    files,
    bytes: total(({ bytes }) => bytes),
    transfer: total(({ transfer }) => transfer),
    cached: total(({ bytes, cached }) => (cached ? bytes : 0)),
  };
}

/** @param {Tier} tier */
async function shown(tier) {
  const { artifact, backend, ms, out } = tier;
  const { reason } = await import("./explain.js");
  return {
    artifact: artifact.id,
    backend: /** @type {any} */ (backend),
    ms: ms || null,
    out: out ? String(reason(tier)) : null,
  };
}

/** @type {typeof import("./inspect.js").clear} */
export async function clear(url) {
  const address = url === undefined ? undefined : new URL(url, location.href).href;
  await (await import("./room.js")).clear(address);
}
