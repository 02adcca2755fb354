/** Starts a release's code from verified bytes. */

import { explained } from "./errors.js";

/** @type {Record<string, Promise<any>>} modules by URL: two models of one page share a runtime */
const modules = {};

/**
 * A runtime that starts while the model's own files still come.
 * @param {any[]} parts the runtime's bundle, its own files, and the task's module and files if there are any
 * @param {{url: string}[]} places of the parts
 * @param {number} threads
 */
export const starting = (parts, places, threads) => {
  /** @type {Record<string, ArrayBuffer>} */
  const assets = {};
  /** @type {Promise<any>[]} */
  const code = [];
  let missing = parts.length;
  /** @type {Promise<void>} */
  let ready;
  return {
    assets,

    /**
     * @param {number} index of what came: of the parts, then of the model's files
     * @param {ArrayBuffer} content
     * @returns {Promise<void> | undefined} with the last part: the runtime's start
     */
    take(index, content) {
      if (index >= parts.length) return;
      const { name, path } = parts[index];
      if (/js$/.test(path)) code[index] = moduleOf(places[index].url, content);
      else assets[name] = content;
      if (--missing) return;
      ready = code[0].then(({ prepare }) => prepare({ assets, threads }));
      ready.catch(() => {}); // `open` says it
      return ready;
    },

    /**
     * @param {any} artifact
     * @param {any} manifest
     * @param {Promise<ArrayBuffer[]>} coming of the parts, then of the artifact's files
     * @returns {Promise<any[]>} the model, and the modules: of the runtime, of the task
     */
    async open(artifact, manifest, coming) {
      // Taken out: what holds the promise holds none of the model's files.
      const contents = (await coming).splice(parts.length);
      await ready;
      const loaded = await Promise.all(code.flat());
      return [await loaded[0].open({ artifact, manifest, contents, assets, threads }), ...loaded];
    },
  };
};

/**
 * @param {string} url
 * @param {ArrayBuffer} code
 * @returns {Promise<any>} what it exports; and `unchecked`, which says so, where its URL was asked for again
 */
export const moduleOf = (url, code) =>
  // Where a page's policy refuses blob: modules, what lies at the digest's own URL. The blob's is
  // not revoked: threads load the bundle again, whenever they start.
  (modules[url] ??= import(/* webpackIgnore: true */ /* @vite-ignore */ scriptUrl(code))
    .catch(async () => ({
      ...(await import(/* webpackIgnore: true */ /* @vite-ignore */ url)),
      unchecked: (await explained("unchecked", url)).message,
    }))
    .catch((error) => {
      delete modules[url];
      throw error;
    }));

/** @param {BlobPart} content */
export const scriptUrl = (content) =>
  URL.createObjectURL(new Blob([content], { type: "text/javascript" }));
