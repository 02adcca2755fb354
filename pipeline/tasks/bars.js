/** An answer as bars in the demo: what it comes to large, and below it what is likeliest. */

import { find, make, say } from "../client/demo/dom.js";
import { percent } from "../client/demo/words.js";
import "./bars.css";

/** Longer labels stand above their bars. */
const LONG = 3;

/**
 * @typedef {object} Shown
 * @property {string} text what it comes to
 * @property {number | null} score of that
 * @property {string} [doubt] why it may mean nothing
 * @property {{ label: string, score: number, chosen?: boolean }[]} rows the likeliest first; `chosen`: it is part of the
 *   answer
 */

/** What an answer is drawn in. @param {string} name of the list, for those who do not see it */
export const bars = (name) => `
<div class="first">
  <p class="top"><span class="top-label"></span> <span class="top-score"></span></p>
</div>
<p class="doubt small" hidden></p>
<ol class="bars" aria-label="${name}"></ol>
`;

/** @param {HTMLElement} root that holds `bars` @param {Shown} shown */
export function showBars(root, { text, score, doubt, rows }) {
  const top = find(".top-label", root);
  root.classList.toggle("unsure", score === null);
  top.textContent = text;
  top.classList.toggle("long", text.length > LONG);
  find(".top-score", root).textContent = score === null ? "" : percent(score);
  say(find(".doubt", root), doubt);
  const list = find(".bars", root);
  list.classList.toggle(
    "long",
    rows.some(({ label }) => label.length > LONG),
  );
  while (list.children.length < rows.length) list.append(empty());
  while (list.children.length > rows.length) list.lastChild?.remove();
  rows.forEach((row, i) => fill(/** @type {HTMLElement} */ (list.children[i]), row));
}

/** Rows stay, so that their bars move instead of jumping. */
function empty() {
  const track = make("span", { class: "track" }, make("span", { class: "fill" }));
  return make("li", {}, make("span", { class: "label" }), track, make("span", { class: "score" }));
}

/** @param {HTMLElement} row @param {Shown["rows"][number]} shown */
function fill(row, { label, score, chosen = false }) {
  row.classList.toggle("chosen", chosen);
  find(".label", row).textContent = label;
  find(".score", row).textContent = percent(score);
  find(".fill", row).style.width = `${score * 100}%`;
}
