/** Where models run: a worker, or a page whose policy allows none. */
import { openCache } from "./cache.js";
import { settle } from "./fetch.js";
import { Session } from "./session.js";

/** @typedef {import("./session.js").Hooks} Hooks */
/** @typedef {{id: number, method: "ask" | "predict" | "memory" | "dispose", args: any[]}} Call the first opens the model */

/**
 * Answer the calls that come over a port, one after another.
 * @param {MessagePort} port, or a worker's own scope, which is one too
 * @param {string[]} [page] where it is one: why, unless that was asked for
 */
export const serve = (port, page) => {
  /** @type {Record<number, AbortController>} */
  const controls = {};
  /** @type {any} a Session, or what answers as one */
  let model;

  /**
   * @param {Hooks} hooks
   * @param {import("./fetch.js").Release} release
   * @param {any} wish
   */
  const open = async (hooks, release, wish) => {
    // Few visitors need it.
    const Kind = wish.cascade
      ? (await import("./cascade.js")).cascaded(Session)
      : release.manifest.region
        ? (await import("./chain.js")).chained(Session)
        : Session;
    model = new Kind(release, wish);
    await model.open(hooks);
    // What is kept of older releases is of no use any more.
    settle(release).catch(() => {});
  };

  /** @param {Call} call */
  const perform = async ({ id, method, args }) => {
    const { signal } = controls[id];
    const send = (/** @type {any} */ more) => port.postMessage({ id, ...more });
    /** @type {any} */
    let said;
    try {
      signal.throwIfAborted();
      const hooks = { signal, onProgress: (/** @type {any} */ progress) => send({ progress }) };
      said = {
        result: await (model
          ? model[method](hooks, ...args)
          : open(hooks, .../** @type {[any, any]} */ (args))),
      };
    } catch (/** @type {any} */ error) {
      said = { error: { ...error, name: error.name, message: error.message } };
    }
    const info = model?.info;
    const thread = page ? "page" : "worker";
    send({
      ...said,
      info: info && { ...info, thread, warnings: [...(page ?? []), ...info.warnings] },
    });
    delete controls[id];
  };

  openCache(); // while the manifest comes
  let queue = Promise.resolve();
  port.onmessage = ({ data }) => {
    if (!data) return port.postMessage(0);
    if ("abort" in data) return controls[data.abort]?.abort();
    controls[data.id] = new AbortController();
    queue = queue.then(() => perform(data)).catch(() => {});
  };
  port.postMessage(0);
};
