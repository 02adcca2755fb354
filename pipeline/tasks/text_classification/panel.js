/** Labels of texts in the demo: as one types, each with a bar. */

import { percent } from "../../client/demo/words.js";
import { Stage } from "../../inputs/text/stage.js";
import { bars, showBars } from "../bars.js";
import examples from "./examples.json" with { type: "json" };

/**
 * @typedef {import("./methods.js").TextLabel} TextLabel
 * @typedef {import("../../inputs/text/stage.js").Item} Item
 * @typedef {import("../../client/demo/contract.js").Host} Host
 * @typedef {import("../../client/demo/contract.js").Given<Item, TextLabel[]>} Given
 */

/** Labels that are listed, the likeliest. */
const LISTED = 10;

/** @param {Host} host */
export const create = async (host) => new Panel(host);

class Panel {
  code = `const labels = await model.classify("Where is my parcel?");
console.log(labels.filter(({ match }) => match));`;
  /** @type {import("../../client/demo/contract.js").View[]} */
  views = [];

  /** @param {Host} host */
  constructor({ stage, seen }) {
    this.stage = new Stage(stage, seen);
  }

  /** @param {any} manifest */
  open({ samples }) {
    this.stage.open(samples?.description === examples.description ? examples : null);
  }

  close() {
    this.stage.close();
  }

  /** @param {import("../../client/index.js").Model<"text-classification">} model @param {Item} item */
  ask(model, { given }) {
    return model.classify(given);
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = bars("Labels, the likeliest first");
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer }) {
    const matched = answer.filter(({ match }) => match);
    showBars(root, {
      text: inWords(answer),
      score: matched.length === 1 ? matched[0].score : null,
      rows: answer
        .slice(0, LISTED)
        .map(({ label, score, match }) => ({ label, score, chosen: match === true })),
    });
  }

  /** @param {Given} given */
  inShort({ answer }) {
    const matched = answer.filter(({ match }) => match);
    return matched.length === 1
      ? `${matched[0].label}, ${percent(matched[0].score)}`
      : inWords(answer);
  }

  /** @param {Given} a @param {Given} b */
  compare(a, b) {
    const [first, second] = [a, b].map(({ answer }) => inWords(answer));
    return first === second ? `Both say: ${first}.` : `They differ: A says ${first}, B ${second}.`;
  }
}

/** Labels that match; else whether any may. @param {TextLabel[]} labels */
function inWords(labels) {
  const matched = labels.filter(({ match }) => match).map(({ label }) => label);
  if (matched.length) return matched.join(", ");
  const open = labels.filter(({ match }) => match === null).map(({ label }) => label);
  return open.length ? `not sure: perhaps ${open.slice(0, 3).join(" or ")}` : "none of the labels";
}
