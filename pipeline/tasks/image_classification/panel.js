/** Image classification in the demo: classes as bars, and a second view in which it is taught others. */

import { Digits } from "../../inputs/image/stage/digits.js";
import { Stage } from "../../inputs/image/stage.js";
import { ANSWER, inShort, showAnswer } from "./panel/bars.js";
import { compare } from "./panel/doubt.js";
import { Teach } from "./panel/teach/teach.js";
import "./panel.css";

/**
 * @typedef {import("./methods.js").Classification} Answer
 * @typedef {import("../../inputs/image/stage.js").Item} Item
 * @typedef {import("../../client/demo/contract.js").Host} Host
 * @typedef {import("../../client/demo/contract.js").Given<Item, Answer>} Given
 */

/** @param {Host} host */
export const create = (host) => new Panel(host);

export class Panel {
  code = `const [best] = await model.classify(document.querySelector("img"));
console.log(best.label, best.score);`;
  #digits = new Digits();
  #teach;

  /** @param {Host} host */
  constructor(host) {
    this.stage = new Stage(host.stage, host.seen);
    this.#teach = new Teach(this.stage, host);
    this.views = [this.#teach];
  }

  /** @param {any} manifest @param {string} base */
  open(manifest, base) {
    this.stage.open(manifest, this.#digits.suits(manifest) ? this.#digits : null);
    this.#teach.open(manifest, base);
  }

  close() {
    this.stage.close();
    this.#teach.close();
  }

  /** What another tab tells. @param {any} news */
  hear({ what, model }) {
    if (what === "head") void this.#teach.refresh(model);
  }

  /** @param {import("../../client/index.js").Model<"image-classification">} model @param {Item} item */
  ask(model, { given }) {
    return model.classify(given, { top: 5 });
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = ANSWER;
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer, item }) {
    showAnswer(root, answer, item.doubt);
  }

  /** @param {Given} given */
  inShort({ answer, item }) {
    return inShort(answer, item.doubt);
  }

  /** What two come to. @param {Given} a @param {Given} b */
  compare(a, b) {
    return compare(a, b);
  }
}
