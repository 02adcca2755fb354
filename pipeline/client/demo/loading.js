/** What is being loaded: a bar of all bytes, and a table of files. */

import { find, make } from "./dom.js";
import { wireOf } from "./wire.js";
import { bytes } from "./words.js";

/**
 * @typedef {{ url: string, loaded: number, total: number, cached: boolean }} FileProgress
 * @typedef {{ loaded: number, total: number, files: FileProgress[] }} Progress
 */

export class Loading {
  #area;
  #bar;
  #text;
  #rows;
  /** @type {Map<string, FileProgress>} */
  #files = new Map();
  /** What files are on the way here, by their names. @type {Map<string, number>} */
  #wire = new Map();

  /** @param {HTMLElement} root a side */
  constructor(root) {
    this.#area = find(".loading", root);
    this.#bar = /** @type {HTMLProgressElement} */ (find("progress", root));
    this.#text = find(".loading-text", root);
    this.#rows = find(".files tbody", root);
  }

  /** @param {any} manifest of what is loaded */
  begin(manifest) {
    this.#wire = wireOf(manifest);
    this.#files.clear();
    this.#rows.replaceChildren();
    this.#bar.removeAttribute("value");
    this.#text.textContent = "Reading the manifest";
    this.#area.hidden = false;
  }

  /** @param {Progress} progress */
  go({ files }) {
    for (const file of files) this.#files.set(file.url, file);
    const all = [...this.#files.values()];
    const [loaded, total] = [sum(all, "loaded"), sum(all, "total")];
    this.#bar.value = total ? loaded / total : 0;
    const { model, runtime } = this.travelled;
    this.#text.textContent = `Downloading ${bytes(model + runtime)}: ${Math.floor((100 * loaded) / (total || 1))} %`;
    const begun = all.filter((file) => file.loaded);
    this.#rows.replaceChildren(...begun.map((file) => this.#row(file)));
  }

  end() {
    this.#area.hidden = true;
  }

  /** Bytes that came over the network, of what was not here from before. */
  get travelled() {
    const came = { model: 0, runtime: 0 };
    for (const file of this.#files.values())
      if (!file.cached) came[kindOf(file.url)] += this.#bytesOf(file);
    return came;
  }

  /** @param {FileProgress} file */
  #bytesOf({ url, total }) {
    return this.#wire.get(url.split("/").at(-1) ?? "") ?? total;
  }

  /** @param {FileProgress} file */
  #row(file) {
    const { url, loaded, total, cached } = file;
    const name = make("th", { scope: "row", title: url }, shortName(url));
    const size = cached ? "kept from before" : bytes(this.#bytesOf(file));
    const unpacked = loaded < total ? `${bytes(loaded)} of ${bytes(total)}` : bytes(total);
    return make("tr", {}, name, make("td", {}, size), make("td", {}, unpacked));
  }
}

/** @param {FileProgress[]} files @param {"loaded" | "total"} key */
const sum = (files, key) => files.reduce((total, file) => total + file[key], 0);

/** @param {string} url @returns {"runtime" | "model"} */
const kindOf = (url) => (url.split("/").at(-2) === "runtimes" ? "runtime" : "model");

/** Files are named by their digests: eight letters tell them apart. @param {string} url */
function shortName(url) {
  const name = url.split("/").at(-1) ?? "";
  return `${kindOf(url)} ${name.replace(/^([0-9a-f]{8})[0-9a-f]{56}/, "$1…")}`;
}
