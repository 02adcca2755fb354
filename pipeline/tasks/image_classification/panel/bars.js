/** The answer: what it comes to large, and the five likeliest classes as bars. */

import { find, make, say } from "../../../client/demo/dom.js";
import { percent } from "../../../client/demo/words.js";
import { inWords, isSure } from "./doubt.js";

/** @typedef {import("./doubt.js").Guess} Guess */

const LONG = 3;

/** What it is drawn in. */
export const ANSWER = `
<div class="first">
  <p class="top"><span class="top-label"></span> <span class="top-score"></span></p>
</div>
<p class="doubt small" hidden></p>
<ol class="bars" aria-label="The five likeliest classes"></ol>
`;

/**
 * @param {HTMLElement} root that holds ANSWER
 * @param {Guess[]} guesses the likeliest first
 * @param {string} [doubt] why they may mean nothing
 */
export function showAnswer(root, guesses, doubt) {
  const sure = isSure(guesses, doubt);
  root.classList.toggle("unsure", !sure);
  const text = inWords(guesses, doubt);
  find(".top-label", root).textContent = text;
  find(".top-label", root).classList.toggle("long", text.length > LONG);
  find(".top-score", root).textContent = sure ? percent(guesses[0].score) : "";
  say(find(".doubt", root), doubt);
  const list = find(".bars", root);
  list.classList.toggle(
    "long",
    guesses.some(({ label }) => label.length > LONG),
  );
  while (list.children.length < guesses.length) list.append(row());
  while (list.children.length > guesses.length) list.lastChild?.remove();
  guesses.forEach((guess, i) => fill(/** @type {HTMLElement} */ (list.children[i]), guess));
}

/**
 * An answer in one line.
 * @param {Guess[]} guesses
 * @param {string} [doubt]
 */
export const inShort = (guesses, doubt) =>
  isSure(guesses, doubt)
    ? `${guesses[0].label}, ${percent(guesses[0].score)}`
    : inWords(guesses, doubt);

/** Rows stay, so that their bars move instead of jumping. */
function row() {
  const track = make("span", { class: "track" }, make("span", { class: "fill" }));
  return make("li", {}, make("span", { class: "label" }), track, make("span", { class: "score" }));
}

/** @param {HTMLElement} row @param {Guess} guess */
function fill(row, { label, score }) {
  find(".label", row).textContent = label;
  find(".score", row).textContent = percent(score);
  find(".fill", row).style.width = `${score * 100}%`;
}
