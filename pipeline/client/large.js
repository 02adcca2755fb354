/** Large images, made small on the page, one after another, before they wait: loaded where there is one. */
import { codeOf } from "./code.js";
import { explained } from "./errors.js";
import { bitmapOf } from "./image.js";

/** @typedef {import("./fetch.js").Release} Release */
/** @typedef {[any, Transferable[]]} Sent and what of it is given away */

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * @param {HTMLImageElement | ImageBitmap | ImageData} image
 * @param {Release} release
 * @param {any} options the method's
 * @returns {Promise<Sent>}
 */
export const bounded = (image, release, options) => {
  const sent = last.then(() => reduced(image, release, options));
  last = sent.catch(() => {});
  return sent;
};

/**
 * @param {any} image a bitmap is closed
 * @param {Release} release
 * @param {any} options
 * @returns {Promise<Sent>}
 */
async function reduced(image, release, options) {
  if (image.complete === false) await loading(image);
  const file = image.currentSrc && (await fileOf(image.currentSrc));
  if (file) return [file, []];
  const bitmap = image instanceof ImageBitmap ? image : await bitmapOf(image);
  const code = await codeOf(release);
  // Those of releases of before take the whole; and nobody knows yet where in it a model will look.
  if (!code.bounded || release.manifest.region) return [bitmap, [bitmap]];
  try {
    const pixels = code.bounded(bitmap, release.manifest, options);
    return [pixels, [pixels.data.buffer]];
  } catch (/** @type {any} */ error) {
    throw error.name === "SecurityError" ? await explained("foreign") : error;
  }
}

/** @param {HTMLImageElement} image whose size is not known before, nor where it comes from */
const loading = (image) =>
  new Promise((done) => ["load", "error"].map((type) => image.addEventListener(type, done)));

/**
 * An element's file, which is decoded where the model runs, and not on the page's own thread. What no
 * cache may keep is not believed to be the same when it is asked for again.
 * @param {string} url
 * @returns {Promise<Blob | false>}
 */
async function fileOf(url) {
  try {
    const answer = await fetch(url, { cache: "force-cache" });
    const kept = answer.ok && !/no-store/.test(`${answer.headers.get("Cache-Control")}`);
    const file = kept && (await answer.blob());
    // Only an element draws SVG.
    return file && !/svg/.test(file.type) && file;
  } catch {
    return false;
  }
}
