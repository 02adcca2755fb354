/** Errors that few meet, as errors.js makes them, so that nobody else fetches their words: what, and what to do. */
import { SCHEMA } from "./limits.js";
import {
  HALF_UNSAFE,
  NO_HALF_SHADERS,
  NO_RUNTIME,
  NOT_OFFERED,
  NOT_PROVED,
  TOO_LARGE,
} from "./reasons.js";

/** @typedef {Pick<import("./choose.js").Tier, "artifact" | "backend" | "out">} Tier */

export const environment = () => ({
  code: "environment",
  message:
    "this is no browser: in Node run the release's files with onnxruntime-node or @tensorflow/tfjs-node; where a server renders pages, call load in the browser only",
});

/** @param {string} [reason] a browser's */
export const noWorker = (reason) => ({
  message: `the model runs in the page, since no worker could start: ${reason || "the page's CSP (worker-src) refuses it, or its file is not there"}; see "Workers" in the client's README`,
});

/** @param {string} url of code of the release */
export const unchecked = (url) => ({
  message: `${url} runs unchecked: CSP script-src refuses blob:`,
});

export const insecure = () => ({
  name: "LoadError",
  code: "insecure",
  message: "files cannot be checked here: serve the page over https",
});

/** Of this package, as package.json has it. */
export const VERSION = "0.1.0";

/**
 * @param {string} url
 * @param {number} [schema] of what is there, where it says one
 */
export const format = (url, schema = 0) => ({
  name: "LoadError",
  code: "format",
  message:
    schema > SCHEMA
      ? `${url}: this release has manifests of schema ${schema}, and model-pipeline-client ${VERSION} reads up to ${SCHEMA}: take the client that lies beside the release (client/index.js), or a newer package`
      : `${url}: this is no release; is it the URL of a model's latest.json?`,
  url,
});

/**
 * @param {string} integrity as pages pin scripts: `sha256-`, and the digest in base64
 * @returns {string} in hexadecimal; of what is none something that no digest equals
 */
export const hexOf = (integrity) => {
  try {
    const bytes = Array.from(atob(integrity.slice(7)), (char) => char.charCodeAt(0));
    return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return integrity;
  }
};

/** @param {string} sha256 in hexadecimal */
export const pinOf = (sha256) =>
  `sha256-${btoa(sha256.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16))))}`;

/**
 * @param {string} url
 * @param {string} sha256 of what is there
 * @param {string} [wanted] its digest as published; of a manifest that was pinned none
 * @param {ArrayBuffer} [content]
 */
export const integrity = (url, sha256, wanted, content) => {
  if (content && HTML.test(new TextDecoder().decode(content.slice(0, 99)))) return page(url);
  const message = wanted
    ? `${url}: sha256 is ${sha256}, not ${wanted}`
    : `${url}: the manifest is not the one that \`integrity\` pins, but ${pinOf(sha256)}: either the URL names another release, or somebody altered this one`;
  return { name: "LoadError", code: "integrity", message, url };
};

const HTML = /^\s*<(!doctype html|html|!--)/i;

/** @param {string} url which single-page hosts answer with the app's own page, and status 200 */
const page = (url) => ({
  name: "LoadError",
  code: "format",
  message: `${url}: the host answered with an HTML page in place of this file: it is not there, and a rewrite (a single-page app's fallback) hides that; publish the whole folder, leave it out of the host's rewrites, or publish it under another path`,
  url,
});

/** @param {string} message */
const input = (message) => ({ code: "input", message });

/**
 * @param {{artifact?: string, backend?: string}} wish what the release has not
 * @param {Tier[]} tiers what it has
 */
export const notThere = ({ artifact = "any artifact", backend = "any backend" }, tiers) =>
  input(`this release has not ${artifact} on ${backend}, but ${tiers.map(named).join(", ")}`);

/** A page may not read the pixels of other origins that do not allow it. */
export const foreign = () =>
  input('the image is of another origin: it needs crossorigin="anonymous"');

/**
 * @param {string} reason a browser's
 * @param {Transferable[]} [transfer] what was given away: only a picture of another origin does not travel
 */
export const notSent = (reason, transfer) =>
  transfer
    ? foreign()
    : input(
        `this does not travel to where the model runs, as images, files, texts and tensors ({dtype, shape, data} by the inputs' names) do: ${reason}`,
      );

/**
 * @param {Tier[]} tiers all of which are out
 * @param {any[]} tried
 */
export const nothing = (tiers, tried) => ({
  code: "nothing",
  message: `nothing here runs it: ${tiers.map((tier) => `${named(tier)}: ${reason(tier)}`).join("; ")}`,
  tried,
});

/** @param {Tier} tier */
const named = ({ artifact, backend }) => `${artifact.id} on ${backend}`;

/** @param {Pick<Tier, "out">} tier that did not come to be tried, or failed with these words */
export const reason = ({ out }) =>
  ({
    [NO_RUNTIME]: "no runtime in this release",
    [NOT_OFFERED]: `not offered by this browser${self.document ? "" : " to workers"}`,
    [NOT_PROVED]: "did not pass",
    [HALF_UNSAFE]: "not safe in 16 bits",
    [NO_HALF_SHADERS]: "no 16-bit shaders",
    [TOO_LARGE]: "too large for the GPU",
  })[/** @type {1} */ (out)] ?? out;
