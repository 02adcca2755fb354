/** What is told of a model that runs: how fast, on what, which, and what it took to get here. */

import { make } from "./dom.js";
import { bytes, median, milliseconds } from "./words.js";

/**
 * @typedef {object} Told
 * @property {any} info the client's, of what runs
 * @property {number[]} times milliseconds of its runs
 * @property {number} wireBytes of the artifact
 * @property {{ model: number, runtime: number }} travelled bytes of what was not here before
 */

/** @param {Told | null} told null before it is known: what takes the same room */
export function facts(told) {
  if (!told)
    return ["Time", "Runs on", "Model file", "Downloaded"].map((term) => fact(term, "–", "", true));
  const { info, times, wireBytes, travelled } = told;
  return [
    fact("Time", times.length ? milliseconds(median(times)) : "–", runs(times), true),
    fact("Runs on", where(info), how(info)),
    fact("Model file", info.artifact, `${bytes(wireBytes)} to download`),
    fact("Downloaded", ...download(info, travelled), true),
  ];
}

/** @param {string} term @param {string} value @param {string} more @param {boolean} [figure] */
function fact(term, value, more, figure = false) {
  const shown = make("dd", figure ? { class: "figure" } : {}, value);
  return make("div", {}, make("dt", {}, term), shown, make("dd", { class: "quiet small" }, more));
}

/** @param {number[]} times */
function runs(times) {
  if (!times.length) return "not run yet";
  return times.length > 1 ? `median of ${times.length}` : "first run";
}

const MEANS = {
  wasm: "the processor (WebAssembly)",
  webgl: "graphics (WebGL)",
  webgpu: "graphics (WebGPU)",
};

/** @param {any} info */
const where = ({ backend }) =>
  /** @type {Record<string, string>} */ (MEANS)[backend.split("-")[1]] ?? backend;

/** The runtime, the thread, and what computes. @param {any} info */
function how({ backend, thread, hardware }) {
  const { renderer, threads } = hardware ?? {};
  const many = threads > 1 ? `, ${threads} threads` : "";
  const place = thread === "worker" ? "in a worker" : "on the page";
  return `${backend}, ${place}${many}${renderer ? `, ${renderer}` : ""}`;
}

/**
 * @param {any} info
 * @param {{ model: number, runtime: number }} travelled
 * @returns {[string, string]}
 */
function download({ bytes: { fetched, cached, total }, loadMs, offline }, { model, runtime }) {
  const time = `in ${milliseconds(loadMs)}${offline ? ", offline" : ""}`;
  if (!fetched) return ["nothing", `all ${bytes(total)} were kept from before; loaded ${time}`];
  const parts = [
    model && `model ${bytes(model)}`,
    runtime && `what runs it ${bytes(runtime)}`,
    cached && "the rest kept from before",
  ];
  return [bytes(model + runtime), `${parts.filter(Boolean).join(", ")}; ${time}`];
}

/** @param {string[]} why @param {any[]} tried */
export function reasons(why, tried) {
  const failed = tried.map(
    ({ artifact, backend, message }) => `Tried ${artifact} on ${backend}: ${message}`,
  );
  return [...why, ...failed].map((reason) => make("li", {}, reason));
}
