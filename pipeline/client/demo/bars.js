/** The answer: what it comes to large, and the five likeliest classes as bars. */

import { find, make, say } from "./dom.js";
import { inWords, isSure } from "./doubt.js";
import { percent } from "./words.js";

/** @typedef {import("./doubt.js").Guess} Guess */

const LONG = 3;

/**
 * @param {HTMLElement} root holds `.answer`, and `.waiting` that is shown without one
 * @param {Guess[]} guesses the likeliest first
 * @param {string} [doubt] why they may mean nothing
 */
export function showAnswer(root, guesses, doubt) {
  const sure = isSure(guesses, doubt);
  find(".answer", root).hidden = false;
  find(".answer", root).classList.toggle("unsure", !sure);
  find(".waiting", root).hidden = true;
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

/** Take an answer back. @param {HTMLElement} root */
export function clearAnswer(root) {
  find(".answer", root).hidden = true;
  find(".waiting", root).hidden = false;
}
