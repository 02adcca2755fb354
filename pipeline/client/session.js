/** A model, open on the best tier (an artifact on a backend) that answers the canary here. */
import { choose } from "./choose.js";
import { probe } from "./device.js";
import { explained } from "./errors.js";
import { fetchFiles, locate } from "./fetch.js";
import { starting } from "./runtime.js";
import { mayPass } from "./transport.js";

/**
 * @typedef {import("./choose.js").Tier} Tier
 * @typedef {import("./fetch.js").Release} Release
 * @typedef {Record<string, {dtype: string, shape: number[], data: any}>} Tensors
 * @typedef {{artifact?: string, backend?: string, threads?: number}} Wish
 * @typedef {{signal: AbortSignal, onProgress?: (progress: any) => void}} Hooks
 */

const PROVED = [
  "proved in this engine",
  "proved in another engine",
  "not timed on a GPU",
  "in software",
];

export class Session {
  /** What the release brings: makes inputs of a page's values, and answers of outputs. @type {any} */
  code;
  /** Files by name, of which it makes inputs too. @type {any} */
  assets;
  /** @type {Tier[]} the best first; those that were tried are out */
  #tiers = [];
  /** @type {any} of a runtime */
  #model;
  /** @type {any} */
  #device;
  /** Of the bytes, what was told of at most: another tier's files are no step back. */
  #share = 0;

  /**
   * @param {Release} release
   * @param {Wish} wish
   */
  constructor(release, wish) {
    const {
      manifest: { name, release: id },
      offline,
      warnings,
    } = release;
    /** What `Model.info` says of it. @type {any} */
    this.info = {
      name,
      release: id,
      offline,
      why: [],
      tried: [],
      warnings: [...warnings],
      cascade: null,
    };
    this.release = release;
    this.wish = wish;
  }

  /**
   * Choose, and open what was chosen.
   * @param {Hooks} hooks
   */
  async open(hooks) {
    const { manifest } = this.release;
    this.#device = await probe(JSON.stringify(manifest.runtimes), this.wish.threads);
    this.#tiers = choose(manifest, this.#device, this.wish);
    if (!this.#tiers[0]) {
      throw await explained("notThere", this.wish, choose(manifest, this.#device, {}));
    }
    await this.#next(hooks);
    return this;
  }

  /**
   * Try tiers until one works.
   * @param {Hooks} hooks
   */
  async #next(hooks) {
    let refused = 0;
    for (let tier; (tier = this.#best()); ) {
      try {
        return await this.#start(tier, hooks);
      } catch (/** @type {any} */ error) {
        hooks.signal.throwIfAborted();
        // What the next tier would meet too; a server that refuses may do so for one file, but hardly for two.
        if (mayPass(error) && (!error.status || refused++)) throw error;
        await this.#drop(tier, error);
      }
    }
    throw await explained("nothing", this.#tiers, this.info.tried);
  }

  /** The one that runs, or is the next to try. */
  #best() {
    return this.#tiers.find(({ out }) => !out);
  }

  /**
   * @param {Tier} tier
   * @param {Hooks} hooks
   */
  async #start({ artifact, backend, parts, bytes, ms, rank }, { signal, onProgress }) {
    const { manifest, base } = this.release;
    const { info } = this;
    const { threads, sparing, webgl, webgpu } = this.#device;
    const files = [...locate(new URL("..", base).href, parts), ...locate(base, artifact.files)];
    const runtime = starting(parts, files, threads);
    const coming = fetchFiles(files, {
      ...this.release,
      first: parts.length,
      signal,
      warnings: info.warnings,
      onFile: runtime.take,
      onProgress: (progress) => {
        const { loaded, fetched, cached, total } = progress;
        info.bytes = { fetched, cached, total };
        this.#share = Math.max(this.#share, loaded / total);
        onProgress?.({ ...progress, loaded: this.#share * total });
      },
    });
    const [model, ...modules] = await runtime.open(artifact, manifest, coming);
    this.#model = model;
    this.assets = runtime.assets;
    const code = modules[1];
    this.code = !code || code.takes ? code : (await import("./before.js")).asNow(code);
    info.warnings.push(...modules.flatMap(({ unchecked = [] }) => unchecked));
    const time = ms ? `${ms.toFixed(1)} ms a run` : "not timed";
    const canary = model.canary ? "canary answered" : "no canary";
    Object.assign(info, {
      artifact: artifact.id,
      backend,
      methods: Object.keys(this.code?.methods ?? {}),
      hardware: model.details,
      why: [
        `${artifact.id} on ${backend}: ${bytes} bytes, ${time}, ${PROVED[rank % 4]}, ${canary}`,
        this.wish.artifact || this.wish.backend
          ? "asked for"
          : sparing
            ? "fewest bytes"
            : "least time",
        ...[webgl, webgpu].flatMap((gpu) => gpu?.software || []),
      ],
    });
  }

  /**
   * Forget a tier that failed.
   * @param {Tier} tier
   * @param {any} error
   */
  async #drop(tier, error) {
    await this.dispose();
    // Few need it; where it does not come, the next call tries the same one again.
    const { without } = await import("./fallback.js").catch(() => {
      throw error;
    });
    this.#tiers = without(tier, error, this.#tiers, this.wish, this.info.tried);
  }

  /**
   * @param {Hooks} hooks
   * @param {string} method of the release's code
   * @param {any} value of the page's
   * @param {any} options the method's
   * @returns {Promise<[any, string]>} the answer, and the artifact that gave it
   */
  async ask(hooks, method, value, options) {
    const { code, info } = this;
    const { manifest } = this.release;
    const feeds = await code.inputOf(value, manifest, this.assets, options, hooks.signal);
    const outputs = await this.predict(hooks, feeds);
    const answer = await code.methods[method](outputs, manifest, options, feeds);
    return [answer, info.artifact];
  }

  /**
   * Run, or of several feeds one after another; where the context is lost or memory ends, once more on the next tier.
   * @param {Hooks} hooks
   * @param {Tensors | Tensors[]} feeds
   * @returns {Promise<any>} outputs, of several feeds a list of them
   */
  async predict(hooks, feeds) {
    if (Array.isArray(feeds)) {
      const all = [];
      for (const one of feeds) all.push(await this.predict(hooks, one));
      return all;
    }
    hooks.signal.throwIfAborted();
    for (;;) {
      const model = await this.#opened(hooks);
      try {
        return await model.run(feeds);
      } catch (/** @type {any} */ error) {
        if (!/lost|memory/.test(error.code)) throw error;
        await this.#drop(/** @type {Tier} */ (this.#best()), error);
      }
    }
  }

  /** @param {Hooks} hooks */
  async memory(hooks) {
    return (await this.#opened(hooks)).memory();
  }

  /** @param {Hooks} hooks */
  async #opened({ signal }) {
    if (!this.#model) await this.#next({ signal });
    return this.#model;
  }

  async dispose() {
    // What is broken may not be able to let go.
    await this.#model?.dispose().catch(() => {});
    this.#model = null;
  }
}
