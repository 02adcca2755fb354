/** What a bundle exports: it takes what a client fetched as it came, described by a manifest. */
import { answers } from "./canary.js";
import { checkFeeds } from "./feeds.js";

/**
 * @typedef {import("./contract.js").Delivery} Delivery
 * @typedef {import("./contract.js").Model} Model
 *
 * @typedef {Object} Runtime
 * @property {(request: import("./contract.js").OpenRequest) => Promise<Model>} open
 * @property {(request: import("./contract.js").StartRequest) => Promise<void>} [prepare]
 */

/** @param {Runtime} runtime */
export const delivered = ({ open, prepare }) => ({
  /** @param {Pick<Delivery, "assets" | "threads">} delivery */
  prepare: async ({ assets, threads }) =>
    prepare && withUrls(assets, (urls) => prepare({ assets: urls, threads })),

  /**
   * @param {Delivery} delivery
   * @returns {Promise<Model & {canary: boolean}>} whether it answered one
   */
  async open(delivery) {
    const { artifact, manifest } = delivery;
    const model = await opened(open, delivery);
    try {
      const canary = await answers(model, manifest.canary, artifact.canary);
      return { ...checked(model, manifest.inputs), canary };
    } catch (error) {
      await model.dispose().catch(() => {}); // what is broken may not be able to let go
      throw error;
    }
  },
});

/**
 * Apart, so that nothing that lives as long as the model holds its files.
 * @param {Runtime['open']} open
 * @param {Delivery} delivery whose contents are taken out of it
 */
const opened = (open, { artifact, manifest: { inputs, outputs }, contents, assets, threads }) =>
  withUrls(assets, (urls) => {
    const files = named(artifact, contents.splice(0));
    return open({ format: artifact.format, ...files, assets: urls, inputs, outputs, threads });
  });

/**
 * @param {Model} model
 * @param {import("./contract.js").Spec[]} inputs
 * @returns {Model} which says of feeds what is wrong with them
 */
const checked = (model, inputs) => ({
  ...model,
  run: async (feeds) => {
    checkFeeds(feeds, inputs);
    return model.run(feeds);
  },
});

/**
 * An artifact's files by the names that its entry, which lies beside them, gives them.
 * @param {{entry: string, files: {path: string}[]}} artifact
 * @param {ArrayBuffer[]} contents
 * @returns {{entry: ArrayBuffer, files: Record<string, ArrayBuffer>}}
 */
export function named(artifact, contents) {
  const nameOf = (/** @type {string} */ path) => path.slice(path.lastIndexOf("/") + 1);
  const all = artifact.files.map(({ path }, i) => [nameOf(path), contents[i]]);
  const { [nameOf(artifact.entry)]: entry, ...files } = Object.fromEntries(all);
  return { entry, files };
}

/**
 * @template T
 * @param {Record<string, ArrayBuffer>} assets
 * @param {(urls: Record<string, string>) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withUrls(assets, work) {
  /** @type {Record<string, string>} */
  const urls = {};
  for (const [name, parts] of Object.entries(joined(assets))) {
    urls[name] = URL.createObjectURL(new Blob(parts, { type: "application/wasm" }));
  }
  try {
    return await work(urls);
  } finally {
    Object.values(urls).forEach(URL.revokeObjectURL);
  }
}

/**
 * What is larger than some hosts take comes in parts: `a.wasm`, `a.wasm.1`, `a.wasm.2`, …
 * @param {Record<string, ArrayBuffer>} assets
 * @returns {Record<string, ArrayBuffer[]>}
 */
function joined(assets) {
  /** @type {Record<string, ArrayBuffer[]>} */
  const parts = {};
  for (const [name, content] of Object.entries(assets)) {
    const [, whole, index = 0] = /** @type {string[]} */ (/^(.*?)(?:\.(\d+))?$/.exec(name));
    (parts[whole] ??= [])[+index] = content;
  }
  return parts;
}
