/** Transfer learning, off the page's thread: a worker, bundled with TF.js when it is published. */

import { preprocess } from "../../inputs/image/preprocess.js";
import { Embedder } from "./teach/embedder.js";
import { fit, guess, pack, unpack } from "./teach/head.js";

/** @type {Embedder | undefined} */
let embedder;
/** @type {import("@tensorflow/tfjs-layers").LayersModel | undefined} */
let head;
let cancelled = false;

/** What the page can ask for. @type {Record<string, (asked: any, tell: (event: any) => void) => any>} */
const does = {
  /** Load the layers model of a release. */
  async open({ release }, tell) {
    embedder?.dispose();
    embedder = await Embedder.open(release, tell);
    return embedder.about;
  },
  /** An image as numbers. */
  embed: ({ pixels, how }) => opened().embed(preprocess(pixels, how)),
  /** Train a new head; the old one stays until it is done. */
  async train({ examples, classes, settings }, tell) {
    cancelled = false;
    const made = await fit({ examples, classes, settings, tell, stop: () => cancelled });
    head?.dispose();
    head = made.model;
    return made.result;
  },
  cancel: () => void (cancelled = true),
  /** The probability of each class. */
  classify: ({ embedding }) => guess(trained(), embedding),
  /** The head as files. */
  pack: ({ about }) => pack(trained(), about),
  /** A head from files. */
  async unpack({ files, base }) {
    const read = await unpack(files, base);
    head?.dispose();
    head = read.model;
    return read.about;
  },
};

function opened() {
  if (!embedder) throw new Error("The layers model is not loaded. Reload the page.");
  return embedder;
}

function trained() {
  if (!head) throw new Error("There is no head yet. Train or load one.");
  return head;
}

addEventListener("message", async ({ data: { id, what, asked } }) => {
  const tell = (/** @type {any} */ event) => postMessage({ id, event });
  try {
    postMessage({ id, value: await does[what](asked, tell) });
  } catch (error) {
    const { message, code } = /** @type {any} */ (error);
    postMessage({ id, error: { message: message ?? String(error), code } });
  }
});
