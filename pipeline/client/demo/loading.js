/** What is being loaded: a bar of all bytes, and a table of files. */

import { find, make } from "./dom.js";
import { wireOf } from "./wire.js";
import { bytes } from "./words.js";

/**
 * @typedef {{ url: string, loaded: number, total: number, cached: boolean }} FileProgress
 * @typedef {{ loaded: number, total: number, files: FileProgress[] }} Progress
 */

export class Loading {
  /** @param {HTMLElement} root a side */
  constructor(root) {
    this._area = find(".loading", root);
    this._bar = /** @type {HTMLProgressElement} */ (find("progress", root));
    this._text = find(".loading-text", root);
    this._rows = find(".files tbody", root);
    /** @type {Map<string, FileProgress>} */
    this._files = new Map();
    /** What files are on the way here, by their names. @type {Map<string, number>} */
    this._wire = new Map();
  }

  /** @param {any} manifest of what is loaded */
  begin(manifest) {
    this._wire = wireOf(manifest);
    this._files.clear();
    this._rows.replaceChildren();
    this._bar.removeAttribute("value");
    this._text.textContent = "Reading the manifest";
    this._area.hidden = false;
  }

  /** @param {Progress} progress */
  go({ files }) {
    for (const file of files) this._files.set(file.url, file);
    const all = [...this._files.values()];
    const [loaded, total] = [sum(all, "loaded"), sum(all, "total")];
    this._bar.value = total ? loaded / total : 0;
    const { model, runtime } = this.travelled;
    this._text.textContent = `Downloading ${bytes(model + runtime)}: ${Math.floor((100 * loaded) / (total || 1))} %`;
    const begun = all.filter((file) => file.loaded);
    this._rows.replaceChildren(...begun.map((file) => this._row(file)));
  }

  end() {
    this._area.hidden = true;
  }

  /** Bytes that came over the network, of what was not here from before. */
  get travelled() {
    const came = { model: 0, runtime: 0 };
    for (const file of this._files.values())
      if (!file.cached) came[kindOf(file.url)] += this._bytesOf(file);
    return came;
  }

  /** @param {FileProgress} file */
  _bytesOf({ url, total }) {
    return this._wire.get(url.split("/").at(-1) ?? "") ?? total;
  }

  /** @param {FileProgress} file */
  _row(file) {
    const { url, loaded, total, cached } = file;
    const name = make("th", { scope: "row", title: url }, shortName(url));
    const size = cached ? "kept from before" : bytes(this._bytesOf(file));
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
