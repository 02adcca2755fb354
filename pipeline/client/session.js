/** A model, open on the best tier (an artifact on a backend) that answers the canary here. */
import { decode, wrong } from './canary.js';
import { choose } from './choose.js';
import { probe } from './device.js';
import { failure } from './failure.js';
import { fetchFiles, locate } from './fetch.js';
import { starting } from './runtime.js';

/**
 * @typedef {import('./choose.js').Tier} Tier
 * @typedef {import('./fetch.js').Release} Release
 * @typedef {Record<string, {dtype: string, shape: number[], data: any}>} Tensors
 * @typedef {{artifact?: string, backend?: string, threads?: number}} Wish
 * @typedef {{signal: AbortSignal, onProgress?: (progress: any) => void}} Hooks
 */

const PROVED = ['proved in this engine', 'proved in another engine', 'not timed on a GPU', 'in software'];

export class Session {
  /** What `Model.info` says of it. */
  info = {
    artifact: '',
    backend: '',
    hardware: /** @type {any} */ (null),
    why: /** @type {string[]} */ ([]),
    tried: /** @type {any[]} */ ([]),
    warnings: /** @type {string[]} */ ([]),
    bytes: { fetched: 0, cached: 0, total: 0 },
  };

  /** @type {Tier[]} those not tried, the best first */
  #tiers = [];
  /** @type {any} of a runtime */
  #model;
  /** @type {any} */
  #device;

  /**
   * @param {Release} release
   * @param {Wish} wish
   */
  constructor(release, wish) {
    this.release = release;
    this.wish = wish;
  }

  /**
   * Choose, and open what was chosen.
   * @param {Hooks} hooks
   */
  async open(hooks) {
    const { manifest } = this.release;
    this.#device = await probe(`${Object.keys(manifest.runtimes ?? {})}`, this.wish.threads);
    const { tiers, out } = choose(manifest, this.#device, this.wish);
    this.#tiers = tiers;
    await this.#next(hooks, [...out]);
    return this;
  }

  /**
   * Try tiers until one works.
   * @param {Hooks} hooks
   * @param {string[]} [out] why others are not tried
   */
  async #next(hooks, out = []) {
    const { tried } = this.info;
    for (let tier; (tier = this.#tiers[0]); ) {
      try {
        return await this.#start(tier, hooks);
      } catch (/** @type {any} */ error) {
        hooks.signal.throwIfAborted();
        // What the next tier would meet too.
        if (/network|offline/.test(error.code)) throw error;
        await this.#drop(tier, error);
      }
    }
    const reasons = [...tried.map((one) => `${one.artifact} on ${one.backend}: ${one.message}`), ...out];
    throw failure('nothing', `nothing here runs it: ${reasons.join('; ') || 'the release has no such artifact on such a backend'}`, { tried });
  }

  /**
   * @param {Tier} tier
   * @param {Hooks} hooks
   */
  async #start({ artifact, backend, parts, ...tier }, { signal, onProgress }) {
    const { manifest, base } = this.release;
    const { info } = this;
    const files = [...locate(new URL('..', base).href, parts), ...locate(base, artifact.files)];
    const runtime = starting(parts, files[0].url, this.#device.threads);
    const coming = fetchFiles(files, {
      name: manifest.name,
      first: parts.length,
      signal,
      warnings: info.warnings,
      onFile: runtime.take,
      onProgress: (/** @type {any} */ progress) => {
        info.bytes = { fetched: 0, cached: 0, total: progress.total };
        for (const file of progress.files) info.bytes[file.cached ? 'cached' : 'fetched'] += file.loaded;
        onProgress?.(progress);
      },
    });
    const model = await runtime.open(artifact, manifest, coming);
    this.#model = model;
    const canary = await check(model, manifest.canary, artifact.canary);
    const time = tier.ms ? `${tier.ms.toFixed(1)} ms a run` : 'no time known';
    Object.assign(info, { artifact: artifact.id, backend, hardware: model.details });
    info.why = [
      `${artifact.id} on ${backend}: ${tier.bytes} bytes to fetch, ${time}, ${PROVED[tier.rank]}, ${canary}`,
      this.wish.artifact || this.wish.backend ? 'asked for' : this.#device.sparing ? 'fewest bytes' : 'least time',
      ...[this.#device.webgl, this.#device.webgpu].filter((gpu) => gpu?.software).map(({ name }) => `${name}: no GPU`),
    ];
  }

  /**
   * Forget a tier that failed, and those that would fail with it; first another backend for its artifact.
   * @param {Tier} tier
   * @param {any} error
   */
  async #drop({ artifact, backend, parts }, error) {
    const { code = 'failed', message, url = '' } = error;
    this.info.tried.push({ artifact: artifact.id, backend, code, message });
    await this.dispose();
    const runtime = code === 'unavailable' || parts.some(({ path }) => url.endsWith(path));
    const other = (/** @type {Tier} */ one) => one.artifact !== artifact;
    this.#tiers = this.#tiers
      .filter((one) => (runtime ? one.backend !== backend : other(one) || (!url && one.backend !== backend)))
      .sort((a, b) => Number(other(a)) - Number(other(b)));
  }

  /**
   * Run; where the context is lost or memory ends, once more on the next tier.
   * @param {Tensors} feeds
   * @param {AbortSignal} signal
   * @returns {Promise<Tensors>}
   */
  async run(feeds, signal) {
    for (;;) {
      if (!this.#model) await this.#next({ signal });
      try {
        return await this.#model.run(feeds);
      } catch (/** @type {any} */ error) {
        if (!/lost|memory/.test(error.code)) throw error;
        await this.#drop(this.#tiers[0], error);
      }
    }
  }

  memory() {
    return this.#model.memory();
  }

  async dispose() {
    // What is broken may not be able to let go.
    await this.#model?.dispose().catch(() => {});
    this.#model = null;
  }
}

/**
 * @param {any} model
 * @param {any} canary of the release
 * @param {any} wanted of the artifact
 */
async function check(model, canary, wanted) {
  if (!canary || !wanted) return 'without a canary';
  /** @type {Tensors} */
  const feeds = {};
  for (const name in canary.inputs) feeds[name] = decode(canary.inputs[name]);
  const found = wrong(await model.run(feeds), wanted);
  if (found) throw failure('canary', found);
  return 'canary answered';
}
