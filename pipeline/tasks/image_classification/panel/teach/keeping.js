/** Saving, loading, exporting and importing a head. */

import { enable, find, onFiles } from "../../../../client/demo/dom.js";
import { keep, kept } from "./shelf.js";

/**
 * @typedef {object} Teaching
 * @property {(work: () => Promise<void>) => Promise<void>} attempt
 * @property {() => Promise<{ trainer: import("./trainer.js").Trainer, base: any }>} ready
 * @property {() => string[]} labels of the head
 * @property {(labels: string[]) => void} loaded told of a head's classes
 * @property {(news: any) => void} tell the other tabs
 */

export class Keeping {
  #teaching;
  #model = "";

  /** @param {Teaching} teaching */
  constructor(teaching) {
    this.#teaching = teaching;
    const on = (/** @type {string} */ button, /** @type {() => Promise<void>} */ work) =>
      find(button).addEventListener("click", () => void teaching.attempt(work));
    on("#save", () => this.#save());
    on("#restore", () => this.#restore());
    on("#export", () => this.#export());
    onFiles("#import", (files) => void teaching.attempt(() => this.#import(files)));
  }

  /** @param {string} model */
  async open(model) {
    this.#model = model;
    this.#say("");
    // A private window may have no IndexedDB; the rest of the page does without.
    const found = await kept(model).catch(() => undefined);
    find("#restore").hidden = !found;
    if (found)
      this.#say(`Saved ${new Date(found.saved).toLocaleString()}: ${found.labels.join(", ")}.`);
  }

  /** @param {boolean} trained */
  update(trained) {
    enable("#save", trained);
    enable("#export", trained);
  }

  async #pack() {
    const { trainer, base } = await this.#teaching.ready();
    const about = { labels: this.#teaching.labels(), base };
    return { about, zip: /** @type {Uint8Array} */ (await trainer.ask("pack", { about })) };
  }

  async #save() {
    const { about, zip } = await this.#pack();
    await keep(this.#model, { zip, labels: about.labels, saved: new Date().toISOString() });
    find("#restore").hidden = false;
    this.#say(`Saved in this browser: ${about.labels.join(", ")}.`);
    this.#teaching.tell({ what: "head", model: this.#model });
  }

  async #restore() {
    const found = await kept(this.#model);
    if (!found) throw new Error("Nothing is saved here any more. Train again.");
    await this.#read([{ name: "saved.zip", content: found.zip }], "Loaded");
  }

  async #export() {
    const { zip } = await this.#pack();
    const url = URL.createObjectURL(
      new Blob([/** @type {any} */ (zip)], { type: "application/zip" }),
    );
    const link = Object.assign(document.createElement("a"), {
      href: url,
      download: `${this.#model}-head.zip`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.#say(
      `Exported ${link.download}: model.json and weights.bin for TF.js, labels.json with the classes.`,
    );
  }

  /** @param {File[]} files */
  async #import(files) {
    const read = files.map(async (file) => ({
      name: file.name,
      content: new Uint8Array(await file.arrayBuffer()),
    }));
    await this.#read(await Promise.all(read), "Imported");
  }

  /** @param {{ name: string, content: Uint8Array }[]} files @param {string} verb */
  async #read(files, verb) {
    const { trainer, base } = await this.#teaching.ready();
    const { labels } = await trainer.ask("unpack", { files, base });
    this.#teaching.loaded(labels);
    this.#say(`${verb}: ${labels.join(", ")}.`);
  }

  /** @param {string} text */
  #say(text) {
    find("#kept").textContent = text;
  }
}
