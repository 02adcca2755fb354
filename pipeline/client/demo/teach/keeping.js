/** Saving, loading, exporting and importing a head. */

import { enable, find, onFiles } from "../dom.js";
import { tell } from "../tabs.js";
import { keep, kept } from "./shelf.js";

/**
 * @typedef {object} Teaching
 * @property {(work: () => Promise<void>) => Promise<void>} attempt
 * @property {() => Promise<{ trainer: import("./trainer.js").Trainer, base: any }>} ready
 * @property {() => string[]} labels of the head
 * @property {(labels: string[]) => void} loaded told of a head's classes
 */

export class Keeping {
  /** @param {Teaching} teaching */
  constructor(teaching) {
    this._teaching = teaching;
    this._model = "";
    const on = (/** @type {string} */ button, /** @type {() => Promise<void>} */ work) =>
      find(button).addEventListener("click", () => void teaching.attempt(work));
    on("#save", () => this._save());
    on("#restore", () => this._restore());
    on("#export", () => this._export());
    onFiles("#import", (files) => void teaching.attempt(() => this._import(files)));
  }

  /** @param {string} model */
  async open(model) {
    this._model = model;
    this._say("");
    // A private window may have no IndexedDB; the rest of the page does without.
    const found = await kept(model).catch(() => undefined);
    find("#restore").hidden = !found;
    if (found)
      this._say(`Saved ${new Date(found.saved).toLocaleString()}: ${found.labels.join(", ")}.`);
  }

  /** @param {boolean} trained */
  update(trained) {
    enable("#save", trained);
    enable("#export", trained);
  }

  async _pack() {
    const { trainer, base } = await this._teaching.ready();
    const about = { labels: this._teaching.labels(), base };
    return { about, zip: /** @type {Uint8Array} */ (await trainer.ask("pack", { about })) };
  }

  async _save() {
    const { about, zip } = await this._pack();
    await keep(this._model, { zip, labels: about.labels, saved: new Date().toISOString() });
    find("#restore").hidden = false;
    this._say(`Saved in this browser: ${about.labels.join(", ")}.`);
    tell({ what: "head", model: this._model });
  }

  async _restore() {
    const found = await kept(this._model);
    if (!found) throw new Error("Nothing is saved here any more. Train again.");
    await this._read([{ name: "saved.zip", content: found.zip }], "Loaded");
  }

  async _export() {
    const { zip } = await this._pack();
    const url = URL.createObjectURL(
      new Blob([/** @type {any} */ (zip)], { type: "application/zip" }),
    );
    const link = Object.assign(document.createElement("a"), {
      href: url,
      download: `${this._model}-head.zip`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this._say(
      `Exported ${link.download}: model.json and weights.bin for TF.js, labels.json with the classes.`,
    );
  }

  /** @param {File[]} files */
  async _import(files) {
    const read = files.map(async (file) => ({
      name: file.name,
      content: new Uint8Array(await file.arrayBuffer()),
    }));
    await this._read(await Promise.all(read), "Imported");
  }

  /** @param {{ name: string, content: Uint8Array }[]} files @param {string} verb */
  async _read(files, verb) {
    const { trainer, base } = await this._teaching.ready();
    const { labels } = await trainer.ask("unpack", { files, base });
    this._teaching.loaded(labels);
    this._say(`${verb}: ${labels.join(", ")}.`);
  }

  /** @param {string} text */
  _say(text) {
    find("#kept").textContent = text;
  }
}
