/** What is published beside this page: index.json, and the manifests of its releases. */

import { runtimeOf } from "../choose.js";

/** The CDN folder, in which this page lies in `demo/`. */
export const ROOT = new URL("../", globalThis.document?.baseURI ?? import.meta.url);

/**
 * @typedef {object} Channel
 * @property {string} model
 * @property {string} channel
 * @property {string} url of the channel's pointer
 * @property {string} [description]
 */

/** Every channel of every model. @returns {Promise<Channel[]>} */
export async function readChannels() {
  const { models } = await json(new URL("index.json", ROOT));
  const found = Object.entries(models).flatMap(([model, { channels, about }]) =>
    Object.keys(channels).map((channel) => ({
      model,
      channel,
      url: new URL(`${model}/${channel}.json`, ROOT).href,
      description: about?.description,
    })),
  );
  if (!found.length)
    throw new Error("No model is published here yet. Run pipeline build, then reload.");
  return found;
}

/**
 * The one that the page's address asks for, as `?model=mobilenet&channel=latest`; else the first.
 * @param {Channel[]} channels
 */
export function wanted(channels) {
  const asked = new URLSearchParams(location.search);
  const [model, channel] = [asked.get("model"), asked.get("channel")];
  const fits = channels.filter((one) => one.model === model);
  return fits.find((one) => one.channel === channel) ?? fits[0] ?? channels[0];
}

/** @param {URL} url @returns {Promise<any>} */
async function json(url) {
  const answer = await fetch(url, { cache: "no-cache" }).catch(() => {
    throw new Error(
      `${url.pathname} could not be reached. Check that the server runs, then reload.`,
    );
  });
  if (!answer.ok) {
    throw new Error(
      `${url.pathname}: HTTP ${answer.status}. This page belongs into demo/ of a published folder.`,
    );
  }
  return answer.json();
}

/**
 * Backends that an artifact can be asked for here: proved somewhere, and their runtime is there.
 * @param {any} manifest
 * @param {any} artifact
 */
export function backendsOf(manifest, artifact) {
  const proved = artifact.validation.filter(
    (/** @type {any} */ proof) => proof.engine && proof.status === "pass",
  );
  const names = new Set(proved.map((/** @type {any} */ proof) => proof.backend));
  return [...names].filter((name) => runtimeOf(manifest, artifact, name)).sort();
}
