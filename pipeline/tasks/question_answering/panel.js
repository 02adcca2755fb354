/** Answers to questions in the demo: marked in the text, and in a list. */

import { find, make, say } from "../../client/demo/dom.js";
import { percent } from "../../client/demo/words.js";
import { Stage } from "../../inputs/text/stage.js";
import "./panel.css";
import examples from "./examples.json" with { type: "json" };

/**
 * @typedef {import("./methods.js").TextAnswer} TextAnswer
 * @typedef {import("../../inputs/text/stage.js").Item} Item
 * @typedef {import("../../client/demo/contract.js").Host} Host
 * @typedef {import("../../client/demo/contract.js").Given<Item, TextAnswer[]>} Given
 */

const NONE = "no answer in this text";

const ANSWER = `
<div class="best-answer"><p class="said-large"></p><p class="of quiet"></p></div>
<ol class="answers" aria-label="Answers, the likeliest first"></ol>
`;

/** @param {Host} host */
export const create = async (host) => new Panel(host);

class Panel {
  code = `const [best] = await model.answer({
  question: "Who bought the lamp?",
  context: "On Monday, Anna bought a lamp.",
});
console.log(best?.text, best?.start, best?.score);`;
  /** @type {import("../../client/demo/contract.js").View[]} */
  views = [];

  /** @param {Host} host */
  constructor({ stage, seen }) {
    this.stage = new Stage(stage, seen, { asks: true });
  }

  /** @param {any} manifest */
  open({ samples }) {
    this.stage.open(samples?.description === examples.description ? examples : null);
  }

  close() {
    this.stage.close();
  }

  /** @param {import("../../client/index.js").Model<"question-answering">} model @param {Item} item */
  ask(model, { given }) {
    return model.answer(given);
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = ANSWER;
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer, item }) {
    const [best] = answer;
    find(".said-large", root).textContent = best?.text ?? "No answer in this text";
    say(find(".of", root), best && percent(best.score));
    find(".answers", root).replaceChildren(...answer.map((one) => this.#row(one)));
    const spans = answer.map(({ start, end }, i) => ({
      start,
      end,
      kind: /** @type {"best" | "other"} */ (i ? "other" : "best"),
    }));
    this.stage.mark(root, item, spans);
  }

  /** An answer that shows where it is. @param {TextAnswer} answer */
  #row({ text, start, end, score }) {
    const button = make("button", { type: "button", title: "Show it in the text" }, text);
    button.addEventListener("click", () => this.stage.select({ start, end }));
    const bar = make("progress", { max: 1, value: score, "aria-hidden": "true" });
    return make("li", {}, button, bar, make("span", { class: "score" }, percent(score)));
  }

  /** @param {HTMLElement} root */
  erase(root) {
    this.stage.erase(root);
  }

  /** @param {Given} given */
  inShort({ answer: [best] }) {
    return best ? `${best.text}, ${percent(best.score)}` : NONE;
  }

  /** @param {Given} a @param {Given} b */
  compare({ answer: [a] }, { answer: [b] }) {
    if (a?.start === b?.start && a?.end === b?.end)
      return a ? `Both answer “${a.text}”.` : "Both find no answer.";
    const [first, second] = [a, b].map((one) => (one ? `“${one.text}”` : NONE));
    return `They differ: A answers ${first}, B ${second}.`;
  }
}
