/** Transfer learning, off the page's thread: a worker, bundled with TF.js when it is published. */

import { codeOf } from "../../../client/demo/code.js";
import { Embedder } from "./teach/embedder.js";
import { fit, guess, pack, unpack } from "./teach/head.js";

/** @type {Embedder | undefined} */
let embedder;
/** @type {import("@tensorflow/tfjs-layers").LayersModel | undefined} */
let head;
let cancelled = false;
/** @type {any} what was opened last */
let release;

/** What the page can ask for. @type {Record<string, (asked: any, tell: (event: any) => void) => any>} */
const does = {
  /** Load the layers model of a release. */
  async open(asked, tell) {
    embedder?.dispose();
    release = asked.release;
    embedder = await Embedder.open(release, tell);
    return embedder.about;
  },
  /** An image as numbers: as the release's own code makes it an input. */
  async embed({ pixels }) {
    const { inputOf } = await codeOf(release.manifest, release.root);
    const [tensor] = Object.values(await inputOf(pixels, release.manifest));
    return opened().embed(/** @type {any} */ (tensor));
  },
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
