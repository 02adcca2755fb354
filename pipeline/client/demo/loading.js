/** What is being loaded: a bar of all bytes, and a table of files. */

import { find, make } from "./dom.js";
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
  }

  begin() {
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
    const cached = all.filter((file) => file.cached).length;
    this._bar.value = total ? loaded / total : 0;
    this._text.textContent =
      `${bytes(loaded)} of ${bytes(total)} · ${all.length} files` +
      (cached ? `, ${cached} kept from before` : "");
    this._rows.replaceChildren(...all.map(row));
  }

  end() {
    this._area.hidden = true;
  }
}

/** @param {FileProgress[]} files @param {"loaded" | "total"} key */
const sum = (files, key) => files.reduce((total, file) => total + file[key], 0);

/** @param {FileProgress} file */
function row({ url, loaded, total, cached }) {
  const name = make("th", { scope: "row", title: url }, shortName(url));
  const size = make(
    "td",
    {},
    loaded < total ? `${bytes(loaded)} of ${bytes(total)}` : bytes(total),
  );
  return make(
    "tr",
    {},
    name,
    size,
    make("td", {}, cached ? "this browser’s cache" : "the network"),
  );
}

/** Files are named by their digests: eight letters tell them apart. @param {string} url */
function shortName(url) {
  const [name, folder] = url.split("/").reverse();
  const kind = folder === "runtimes" ? "runtime" : "model";
  return `${kind} ${name.replace(/^([0-9a-f]{8})[0-9a-f]{56}/, "$1…")}`;
}
