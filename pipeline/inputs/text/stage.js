/** The text that is looked at, and maybe what is asked of it: typed, pasted or picked. */

import { enable, find, make } from "../../client/demo/dom.js";
import "./stage.css";

/**
 * @typedef {{ text: string, questions?: string[] }} Example
 * @typedef {{ credit: string, examples: Example[] }} Examples
 * @typedef {{ given: any, text: string }} Item `given`: a text, or `{ question, context }`
 * @typedef {{ start: number, end: number, kind: "best" | "other" }} Span of the text, in UTF-16 code units
 */

/** So much is more than anyone types, and less than what a model refuses. */
const LONGEST = 500_000;

const QUESTION = `
  <label class="field">Question
    <input type="text" id="question" maxlength="2000" autocomplete="off" enterkeyhint="done">
  </label>
  <div id="questions" class="questions" role="group" aria-label="Questions to pick"></div>`;

/** @param {boolean} asks */
const markup = (asks) => `
  <h2 id="stage-title">Text</h2>
  <div class="field">
    <label for="text">${asks ? "Text to look in" : "Text to read"}</label>
    <div class="sheet">
      <div class="sheet-text">
        <div id="marks" class="marks" aria-hidden="true"></div>
        <textarea id="text" rows="${asks ? 7 : 4}" maxlength="${LONGEST}" spellcheck="false" autocomplete="off"></textarea>
      </div>
    </div>
  </div>
  ${asks ? QUESTION : ""}
  <p id="peek" class="said" aria-hidden="true"></p>
  <div class="tools"><button type="button" id="clear" disabled>Clear</button></div>
  <fieldset id="examples" class="examples" hidden>
    <legend>Or pick one</legend>
    <div class="example-list"></div>
    <p class="quiet small"></p>
  </fieldset>
`;

export class Stage {
  /** @type {Item | null} */
  item = null;
  #seen;
  #asks;
  #text;
  /** @type {HTMLInputElement | null} */
  #question;
  /** What is marked, of which item, by whom. @type {Map<unknown, { item: Item, spans: Span[] }>} */
  #marks = new Map();

  /**
   * @param {HTMLElement} root that it fills
   * @param {() => Promise<unknown>} seen told that `item` is another one, or none
   * @param {{ asks?: boolean }} [how] whether there is a question about the text
   */
  constructor(root, seen, { asks = false } = {}) {
    root.innerHTML = markup(asks);
    this.#seen = seen;
    this.#asks = asks;
    this.waiting = asks
      ? "Give a text and ask a question, or pick them."
      : "Type a text, or pick one.";
    this.#text = /** @type {HTMLTextAreaElement} */ (find("#text", root));
    this.#question = root.querySelector("#question");
    root.addEventListener("input", () => this.#changed());
    find("#clear", root).addEventListener("click", () => {
      this.#fill("");
      this.#text.focus();
    });
  }

  /**
   * Get ready for a model: what was typed for the one before is given to this one too.
   * @param {Examples | null} examples
   */
  open(examples) {
    find("#examples").hidden = !examples;
    const buttons = examples?.examples.map((example) => this.#offer(example)) ?? [];
    find(".example-list").replaceChildren(...buttons);
    find("#examples p").textContent = examples?.credit ?? "";
    this.#changed();
  }

  close() {
    this.item = null;
  }

  /** Takes back what was answered; what was typed stays. */
  clear() {
    this.item = null;
    this.#marks.clear();
    this.#paint();
  }

  /**
   * Mark parts of an item's text, until it is another one.
   * @param {unknown} author whose marks these replace
   * @param {Item} item
   * @param {Span[]} spans
   */
  mark(author, item, spans) {
    this.#marks.set(author, { item, spans });
    this.#paint();
  }

  /** @param {unknown} author */
  erase(author) {
    if (this.#marks.delete(author)) this.#paint();
  }

  /** Show where a part of the text is. @param {{ start: number, end: number }} span */
  select({ start, end }) {
    this.#text.focus();
    this.#text.setSelectionRange(start, end);
  }

  /** @param {Example} example */
  #offer({ text, questions = [] }) {
    const button = make("button", { type: "button" }, make("span", {}, text));
    button.addEventListener("click", () => {
      this.#fill(text, questions[0]);
      const asked = questions.map((question) => this.#offerQuestion(question));
      document.querySelector("#questions")?.replaceChildren(...asked);
    });
    return button;
  }

  /** @param {string} question */
  #offerQuestion(question) {
    const button = make("button", { type: "button" }, question);
    button.addEventListener("click", () => this.#fill(this.#text.value, question));
    return button;
  }

  /** @param {string} text @param {string} [question] */
  #fill(text, question = "") {
    this.#text.value = text;
    if (this.#question) this.#question.value = question;
    if (!text) document.querySelector("#questions")?.replaceChildren();
    this.#changed();
  }

  #changed() {
    const text = this.#text.value;
    const question = this.#question?.value ?? "";
    const given = this.#asks ? { question, context: text } : text;
    const isWhole = text.trim() && (!this.#asks || question.trim());
    this.item = isWhole ? { given, text } : null;
    enable("#clear", Boolean(text || question));
    this.#paint();
    void this.#seen();
  }

  /** The text once more, behind the field, where parts of it have a ground: a field itself has none. */
  #paint() {
    const text = this.#text.value;
    const authors = [...this.#marks.values()];
    const spans = authors.flatMap(({ item, spans: own }, order) =>
      item === this.item ? own.map((span) => ({ ...span, order })) : [],
    );
    const ends = spans.flatMap(({ start, end }) => [start, end]);
    const cuts = [...new Set([0, ...ends, text.length])].sort((a, b) => a - b);
    const parts = cuts.slice(1).map((to, i) => {
      const over = spans.filter(({ start, end }) => start <= cuts[i] && to <= end);
      const part = text.slice(cuts[i], to);
      const names = over.map(({ kind, order }) => `${kind} by-${order}`);
      return over.length ? make("mark", { class: names.join(" ") }, part) : part;
    });
    // A last line that is empty has its height by this.
    find("#marks").replaceChildren(...parts, "\u200b");
  }
}
