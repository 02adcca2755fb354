/** The least score that counts, below the picture in the demo. */

import { find, parsed } from "../client/demo/dom.js";
import { percent } from "../client/demo/words.js";

const FIELD = `
  <label class="threshold">
    <span>Surer than</span>
    <input type="range" min="0.05" max="0.95" step="0.05" autocomplete="off">
    <output></output>
  </label>`;

export class Threshold {
  #input;
  #output;

  /** @param {HTMLElement} root @param {() => void} changed */
  constructor(root, changed) {
    const field = parsed(FIELD);
    root.append(field);
    this.#input = /** @type {HTMLInputElement} */ (find("input", field));
    this.#output = find("output", field);
    this.#input.addEventListener("input", () => {
      this.#tell();
      changed();
    });
  }

  get value() {
    return Number(this.#input.value);
  }

  set value(share) {
    this.#input.value = String(share);
    this.#tell();
  }

  #tell() {
    this.#output.textContent = percent(this.value);
  }
}
