/** What a page asks for: a model, from a release to answers. */
import { explained, ModelError } from "./errors.js";
import { fetchRelease } from "./fetch.js";
import { portable } from "./image.js";
import { connect } from "./link.js";
import { unlessAborted } from "./transport.js";

/**
 * @param {() => URL} place where the worker's file lies
 * @returns {typeof import("./index.js").load}
 */
export const loading =
  (place) =>
  async (url, { worker = true, integrity, onProgress, signal, ...wish } = {}) => {
    if (!globalThis.createImageBitmap) throw await explained("environment");
    const start = performance.now();
    const linking = connect(worker, place);
    try {
      // The worker starts while the manifest comes.
      const release = await fetchRelease(url, { signal, integrity });
      const link = await unlessAborted(linking, signal);
      await link.call("open", [release, wish], { signal, onProgress });
      link.info.loadMs = performance.now() - start;
      return modelOf(link, release);
    } catch (error) {
      linking.then(end);
      throw error;
    }
  };

/** @param {import("./link.js").Link} link */
const end = async ({ info, call, close }) => {
  // Asked also of what does not answer yet: on a page, a runtime that is opening ends only after that.
  const freed = call("dispose", []).catch(() => {});
  // A worker is ended, and frees all.
  if (info.thread === "page") await freed;
  close(new ModelError("disposed", "disposed of: load it again"));
};

/**
 * A model that is ready; its calls are answered in the order in which they were made.
 * @param {import("./link.js").Link} link
 * @param {import("./fetch.js").Release} release
 */
const modelOf = (link, release) => {
  const { info, call } = link;
  /** @type {Promise<unknown>} the call before */
  let last = Promise.resolve();

  /**
   * Calls are sent in the order in which they were made, however long an image takes to decode.
   * @param {string} method
   * @param {any} args or a promise of them, and of what of them is given away
   * @param {{signal?: AbortSignal}} [options]
   */
  const inOrder = async (method, args, options) => {
    await (last = Promise.allSettled([args, last]));
    const [sent, transfer] = await args;
    try {
      return await call(method, sent, { ...options, transfer });
    } catch (/** @type {any} */ error) {
      throw error?.name === "DataCloneError"
        ? await explained("notSent", error.message, transfer)
        : error;
    }
  };

  const dispose = () => end(link);
  /** @type {any} */
  const model = {
    info,
    predict: (/** @type {any} */ tensors, /** @type {any} */ options) =>
      inOrder("predict", [[tensors]], options),
    memory: () => inOrder("memory", [[]]),
    dispose,
    [Symbol.asyncDispose ?? "dispose"]: dispose,
    [Symbol.dispose ?? "dispose"]: dispose,
    // Few pages have a video.
    async *stream(/** @type {[any, any]} */ ...all) {
      yield* (await import("./stream.js")).stream(model, ModelError, ...all);
    },
  };
  // The release's code has names for what it makes of outputs.
  for (const name of info.methods) {
    model[name] ??= async (
      /** @type {any} */ value,
      /** @type {any} */ { signal, ...options } = {},
    ) => {
      const sent = portable(value, release, options).then(([one, transfer]) => [
        [name, one, { base: document.baseURI, ...options }],
        transfer,
      ]);
      const [answer, artifact] = await inOrder("ask", sent, { signal });
      return Object.assign(answer, { artifact });
    };
  }
  return model;
};
