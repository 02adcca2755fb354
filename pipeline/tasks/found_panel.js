/** What was found in a picture, in the demo: marks over it, a list beside it, and the least score that counts. */

import { find, make, say } from "../client/demo/dom.js";
import { percent } from "../client/demo/words.js";
import { Stage } from "../inputs/image/stage.js";
import { Threshold } from "./threshold.js";
import "./found.css";

/** Of what was found, so many are listed. */
const LISTED = 8;

const ANSWER = `
<div class="first"><p class="found"></p></div>
<ol class="objects" aria-label="What was found, the surest first"></ol>
<p class="more quiet small" hidden></p>
`;

/**
 * @typedef {import("../inputs/image/stage.js").Item} Item
 * @typedef {import("../client/demo/contract.js").Host} Host
 * @typedef {import("../client/demo/contract.js").Given<Item, any>} Given
 *
 * @typedef {object} Kind what a task has; an answer is a list, the surest first
 * @property {string} method of its models
 * @property {string} code that uses a loaded `model`
 * @property {(context: CanvasRenderingContext2D, answer: any, order: number, options: any) => void} paint
 *   over the picture; `order`: of two answers to one picture, which it is; `options`: the release's, of the task
 * @property {(found: any, index: number) => {color: string, label: string, where: string, score: number}} row
 * @property {(answer: any) => string} inShort
 * @property {(a: any, b: any) => string} compare
 */

export class FoundPanel {
  /** @type {import("../client/demo/contract.js").View[]} */
  views = [];
  #kind;
  #threshold;
  /** @type {any} the release's, of the task */
  #options = {};

  /** @param {Host} host @param {Kind} kind */
  constructor({ stage, seen }, kind) {
    this.#kind = kind;
    this.code = kind.code;
    this.stage = new Stage(stage, seen);
    this.#threshold = new Threshold(stage, () => {
      const { item } = this.stage;
      if (item) this.stage.item = { ...item };
      void seen();
    });
  }

  /** @param {any} manifest */
  open(manifest) {
    this.#options = manifest.task_options;
    this.#threshold.value = this.#options.threshold;
    this.stage.open(manifest, null);
  }

  close() {
    this.stage.close();
  }

  /** @param {any} model @param {Item} item */
  ask(model, { given }) {
    return model[this.#kind.method](given, { threshold: this.#threshold.value });
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = ANSWER;
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer }) {
    const { inShort, paint, row } = this.#kind;
    const text = inShort(answer);
    find(".found", root).textContent = text[0].toUpperCase() + text.slice(1);
    const listed = answer.slice(0, LISTED).map(row).map(line);
    find(".objects", root).replaceChildren(...listed);
    const rest = answer.length - LISTED;
    const nothing = answer.length ? "" : `Nothing is surer than ${percent(this.#threshold.value)}.`;
    say(find(".more", root), rest > 0 ? `and ${rest} more` : nothing);
    this.stage.mark(root, (context, order) => paint(context, answer, order, this.#options));
  }

  /** @param {HTMLElement} root */
  erase(root) {
    this.stage.erase(root);
  }

  /** @param {Given} given */
  inShort({ answer }) {
    return this.#kind.inShort(answer);
  }

  /** @param {Given} a @param {Given} b */
  compare(a, b) {
    return this.#kind.compare(a.answer, b.answer);
  }
}

/** @param {ReturnType<Kind["row"]>} row */
function line({ color, label, where, score }) {
  const mark = make("span", { class: "mark", "aria-hidden": "true" });
  mark.style.background = color;
  const named = make("span", { class: "label" }, label, " ");
  named.append(make("span", { class: "where" }, where));
  return make("li", {}, mark, named, make("span", { class: "score" }, percent(score)));
}
