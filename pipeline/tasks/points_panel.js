/** What has points in the demo: lines over the picture, a list beside it, and the least score that counts. */

import { find, make, say } from "../client/demo/dom.js";
import { percent } from "../client/demo/words.js";
import { colorOf } from "../client/draw.js";
import { Stage } from "../inputs/image/stage.js";
import { Threshold } from "./threshold.js";
import "./found.css";

/**
 * @typedef {{score: number, keypoints: {x: number, y: number, score?: number}[]}} Found
 * @typedef {import("../inputs/image/stage.js").Item} Item
 * @typedef {import("../client/demo/contract.js").Host} Host
 * @typedef {import("../client/demo/contract.js").Given<Item, any>} Given
 *
 * @typedef {object} Kind what a task has
 * @property {string} method of its models
 * @property {string} one of what is found, such as `body`
 * @property {string} many
 * @property {string} code that uses a loaded `model`
 * @property {(context: CanvasRenderingContext2D, found: any, color: string, options: any) => void} paint
 * @property {(found: any) => string} [more] what the list says of each
 */

const ANSWER = `
<div class="first"><p class="found"></p></div>
<ol class="objects" aria-label="What was found, the surest first"></ol>
<p class="more quiet small" hidden></p>
`;

export class PointsPanel {
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
    const text = this.inShort({ answer });
    find(".found", root).textContent = text[0].toUpperCase() + text.slice(1);
    find(".objects", root).replaceChildren(...answer.map(this.#row));
    const none = `Nothing is surer than ${percent(this.#threshold.value)}.`;
    say(find(".more", root), answer.length ? "" : none);
    this.stage.mark(root, (context, order) => {
      answer.forEach((/** @type {Found} */ found, /** @type {number} */ index) => {
        this.#kind.paint(context, found, colorOf(index + 3 * order), this.#options);
      });
    });
  }

  /** @param {HTMLElement} root */
  erase(root) {
    this.stage.erase(root);
  }

  #row = (/** @type {Found} */ found, /** @type {number} */ index) => {
    const { one, more } = this.#kind;
    const mark = make("span", { class: "mark", "aria-hidden": "true" });
    mark.style.background = colorOf(index);
    const name = `${one[0].toUpperCase()}${one.slice(1)} ${index + 1}`;
    const said = more?.(found) ?? `${found.keypoints.length} points`;
    const label = make("span", { class: "label" }, name, " ");
    label.append(make("span", { class: "where" }, said));
    return make("li", {}, mark, label, make("span", { class: "score" }, percent(found.score)));
  };

  /** @param {{answer: Found[]}} given */
  inShort({ answer: { length } }) {
    const { one, many } = this.#kind;
    return length ? `${length} ${length > 1 ? many : one}` : `no ${one} found`;
  }

  /** @param {Given} a @param {Given} b */
  compare(a, b) {
    const [ours, theirs] = [a.answer, b.answer];
    if (!ours.length && !theirs.length) return `Neither finds a ${this.#kind.one}.`;
    if (ours.length !== theirs.length) return `A: ${this.inShort(a)}; B: ${this.inShort(b)}.`;
    const apart = ours.flatMap((/** @type {Found} */ { keypoints }, /** @type {number} */ index) =>
      keypoints.map(({ x, y }, point) => {
        const other = theirs[index].keypoints[point];
        return Math.hypot(x - other.x, y - other.y);
      }),
    );
    const mean = apart.reduce(
      (/** @type {number} */ sum, /** @type {number} */ one) => sum + one,
      0,
    );
    return `Both find ${this.inShort(a)}; points lie ${(mean / apart.length).toFixed(1)} pixels apart in the mean.`;
  }
}
