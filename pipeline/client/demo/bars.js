/** The answer: its first class large, and the five likeliest as bars. */

import { announce, find, make } from "./dom.js";
import { percent } from "./words.js";

/** @typedef {{ label: string, score: number }} Guess */

const LONG = 3;

/**
 * @param {HTMLElement} root holds `.answer`, and `.waiting` that is shown without one
 * @param {Guess[]} guesses the likeliest first
 * @param {string} [prefix] said before the answer to screen readers; nothing is said without
 */
export function showAnswer(root, guesses, prefix) {
  const [{ label, score }] = guesses;
  find(".answer", root).hidden = false;
  find(".waiting", root).hidden = true;
  const long = guesses.some((guess) => guess.label.length > LONG);
  find(".top-label", root).textContent = label;
  find(".top-label", root).classList.toggle("long", label.length > LONG);
  find(".top-score", root).textContent = percent(score);
  const list = find(".bars", root);
  list.classList.toggle("long", long);
  while (list.children.length < guesses.length) list.append(row());
  while (list.children.length > guesses.length) list.lastChild?.remove();
  guesses.forEach((guess, i) => fill(/** @type {HTMLElement} */ (list.children[i]), guess));
  find("#peek").textContent = `${label} ${percent(score)}`;
  if (prefix !== undefined) announce(`${prefix}${label}, ${percent(score)}`);
}

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
  find("#peek").textContent = "";
}
