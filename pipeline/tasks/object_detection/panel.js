/** Object detection in the demo: boxes over the picture, a list beside it, and the least score that counts. */

import { colorOf, drawBoxes, drawPoints } from "../../client/draw.js";
import { Stage } from "../../inputs/image/stage.js";
import { Threshold } from "../threshold.js";
import { ANSWER, showObjects } from "./panel/list.js";
import { compare, inShort } from "./panel/words.js";
import "../found.css";

/**
 * @typedef {import("./methods.js").Detection} Answer
 * @typedef {import("../../inputs/image/stage.js").Item} Item
 * @typedef {import("../../client/demo/contract.js").Host} Host
 * @typedef {import("../../client/demo/contract.js").Given<Item, Answer>} Given
 */

/** @param {Host} host */
export const create = async (host) => new Panel(host);

class Panel {
  code = `const objects = await model.detect(document.querySelector("img"));
for (const { label, score, box } of objects) console.log(label, score, box.x, box.y, box.width, box.height);`;
  /** @type {import("../../client/demo/contract.js").View[]} */
  views = [];
  #threshold;

  /** @param {Host} host */
  constructor({ stage, seen }) {
    this.stage = new Stage(stage, seen);
    this.#threshold = new Threshold(stage, () => {
      const { item } = this.stage;
      if (item) this.stage.item = { ...item };
      void seen();
    });
  }

  /** @param {any} manifest */
  open(manifest) {
    this.#threshold.value = manifest.task_options.threshold;
    this.stage.open(manifest, null);
  }

  close() {
    this.stage.close();
  }

  /** @param {import("../../client/index.js").Model<"object-detection">} model @param {Item} item */
  ask(model, { given }) {
    return model.detect(given, { threshold: this.#threshold.value });
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = ANSWER;
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer }) {
    showObjects(root, answer, this.#threshold.value);
    this.stage.mark(root, (context, order) => {
      for (const { index, keypoints = [] } of answer)
        drawPoints(context, keypoints, { color: colorOf(index) });
      drawBoxes(context, answer, { dashed: order > 0 });
    });
  }

  /** @param {HTMLElement} root */
  erase(root) {
    this.stage.erase(root);
  }

  /** @param {Given} given */
  inShort({ answer }) {
    return inShort(answer);
  }

  /** @param {Given} a @param {Given} b */
  compare(a, b) {
    return compare(a.answer, b.answer);
  }
}
