/** The small artifact answers, and the large one where that is in doubt: loaded where it is asked for. */
import { runtimeOf } from "./choose.js";
import { ModelError } from "./errors.js";

/**
 * @typedef {import("./session.js").Hooks} Hooks
 * @typedef {import("./session.js").Release} Release
 * @typedef {import("./session.js").Session} Open
 * @typedef {import("./session.js").Tensors} Tensors
 * @typedef {import("./session.js").Wish} Wish
 */

/**
 * Whether the caller's backend runs a cascade's artifacts.
 * @param {{small: string}} cascade
 * @param {Wish} wish
 */
const suits = ({ small }, { backend }) => !backend || /^onnx/.test(small) === /^ort/.test(backend);

/**
 * What names the files that one runs on.
 * @param {any} manifest
 * @param {Open | null | undefined} one
 */
const filesOf = (manifest, one) => {
  const artifact = manifest.artifacts.find(
    (/** @type {any} */ { id }) => id === one?.info.artifact,
  );
  const { task, runtimes } = manifest;
  return artifact
    ? JSON.stringify([artifact, runtimeOf(manifest, artifact, one?.info.backend), runtimes[task]])
    : "";
};

/**
 * @param {typeof import("./session.js").Session} Session the client's own, of which this has no copy
 */
export const cascaded = (Session) =>
  /** To who calls it, a session. */ class {
    /** @type {Open | null | undefined} opened when it is first needed: most visitors never fetch it */
    #large;
    #small;
    #open;
    #pair;
    #manifest;

    /**
     * @param {Release} release
     * @param {Wish} wish
     */
    constructor(release, wish) {
      const { cascade } = release.manifest;
      const pair = [cascade, ...(cascade?.others ?? [])].find((one) => one && suits(one, wish));
      if (!pair) throw new ModelError("input", "this release has no such cascade");
      this.#manifest = release.manifest;
      this.#pair = { ...pair, answered: { small: 0, large: 0 } };
      /**
       * @param {string} artifact
       * @param {() => Open | null | undefined} other is not deleted where this one finds no room
       */
      const session = (artifact, other) => {
        const mine = {
          ...release,
          get spare() {
            return filesOf(release.manifest, other());
          },
        };
        return new Session(mine, { ...wish, artifact });
      };
      this.#small = session(pair.small, () => this.#large);
      this.#open = () => session(pair.large, () => this.#small);
    }

    get info() {
      const { info } = this.#small;
      const large = this.#large?.info;
      return {
        ...info,
        tried: [...info.tried, ...(large?.tried ?? [])],
        warnings: [...info.warnings, ...(large?.warnings ?? [])],
        cascade: { ...this.#pair, backend: large?.backend ?? null },
      };
    }

    /** @param {Hooks} hooks */
    open(hooks) {
      return this.#small.open(hooks);
    }

    /**
     * @param {Hooks} hooks
     * @param {string} method of the release's code
     * @param {any} value of the page's
     * @param {any} options the method's
     * @returns {Promise<[any, string]>} the answer, and the artifact that gave it
     */
    async ask(hooks, method, value, options) {
      const { code, assets } = this.#small;
      const feeds = await code.inputOf(value, this.#manifest, assets, options, hooks.signal);
      const ask = (/** @type {Open} */ one) => one.predict(hooks, feeds);
      const outputs = await ask(this.#small);
      const sure = code.sure(outputs, this.#manifest) >= this.#pair.threshold;
      const better = sure ? null : await this.#second(hooks, ask);
      this.#pair.answered[better ? "large" : "small"]++;
      return [
        await code.methods[method](better ?? outputs, this.#manifest, options, feeds),
        better ? this.#pair.large : this.#pair.small,
      ];
    }

    /**
     * The large one's outputs, or null where it does not come or broke down: asked again, each call
     * would wait for it.
     * @template T
     * @param {Hooks} hooks
     * @param {(large: Open) => Promise<T>} ask
     */
    async #second({ signal }, ask) {
      if (this.#large === null) return null;
      try {
        this.#large ??= await this.#open().open({ signal });
        return await ask(this.#large);
      } catch (/** @type {any} */ error) {
        signal.throwIfAborted();
        const { warnings, tried } = this.#small.info;
        warnings.push(
          ...(this.#large?.info.warnings ?? []),
          `the large artifact could not be had: ${error.message}`,
        );
        tried.push(...(error.tried ?? []));
        await this.#large?.dispose();
        this.#large = null;
        return null;
      }
    }

    /**
     * @param {Hooks} hooks
     * @param {Tensors} feeds
     */
    predict(hooks, feeds) {
      return this.#small.predict(hooks, feeds);
    }

    /** @param {Hooks} hooks */
    memory(hooks) {
      return this.#small.memory(hooks);
    }

    async dispose() {
      await Promise.all([this.#small.dispose(), this.#large?.dispose()]);
    }
  };
