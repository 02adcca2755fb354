/** Finds the panel of a release's task: each comes where a release asks for it, and tensors have a plain one. */

import { ROOT } from "./catalog.js";
import { make } from "./dom.js";
import * as plain from "./plain.js";

/**
 * @typedef {import("./contract.js").Host} Host
 * @typedef {import("./contract.js").Panel} Panel
 * @typedef {{ create: (host: Host) => Promise<Panel> }} Module
 */

export class Panels {
  #host;
  /** Task -> files of its panel below this page, its module first. @type {Promise<Record<string, string[]>> | undefined} */
  #known;
  /** @type {Panel | undefined} */
  #panel;
  #task = "";

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * @param {any} manifest
   * @param {() => boolean} wanted asked once it came
   * @returns {Promise<Panel | undefined>} the same for releases of one task; none where it is not wanted any more
   */
  async take({ runtimes, task }, wanted) {
    this.#known ??= read();
    const files = (await this.#known)[task];
    // Without code for its task a model takes tensors.
    const name = files && runtimes?.[task] ? task : "";
    if (this.#panel && name === this.#task) return this.#panel;
    /** @type {Module} */
    const { create } = name ? await load(files) : plain;
    if (!wanted()) return undefined;
    this.#panel?.close();
    this.#host.stage.replaceChildren();
    this.#task = name;
    this.#panel = await create(this.#host);
    return this.#panel;
  }
}

/** @returns {Promise<Record<string, string[]>>} */
async function read() {
  const answer = await fetch(new URL("demo/panels.json", ROOT), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`panels.json: HTTP ${answer.status}. Reload the page.`);
  return answer.json();
}

/** @param {string[]} files @returns {Promise<Module>} */
async function load(files) {
  const urls = files.map((file) => new URL(`demo/${file}`, ROOT).href);
  // What this visit came without, a visit without network needs.
  void navigator.serviceWorker?.ready.then(({ active }) => active?.postMessage({ keep: urls }));
  const styles = urls.filter((url) => url.endsWith(".css")).map(style);
  const [loaded] = await Promise.all([import(/** @type {any} */ (urls[0])), ...styles]);
  return loaded;
}

/** @param {string} href */
const style = (href) =>
  new Promise((done) => {
    if (document.querySelector(`link[href="${href}"]`)) return done(null);
    const link = make("link", { rel: "stylesheet", href });
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
