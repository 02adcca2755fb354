/** What was found, as a list in the colours of its boxes. */

import { find, make, say } from "../../../client/demo/dom.js";
import { percent } from "../../../client/demo/words.js";
import { colorOf } from "../../../client/draw.js";
import { inShort } from "./words.js";

/** Objects that are listed. */
const LISTED = 8;

export const ANSWER = `
<div class="first"><p class="found"></p></div>
<ol class="objects" aria-label="What was found, the surest first"></ol>
<p class="more quiet small" hidden></p>
`;

/**
 * @param {HTMLElement} root that holds ANSWER
 * @param {import("../methods.js").DetectedObject[]} objects the surest first
 * @param {number} threshold
 */
export function showObjects(root, objects, threshold) {
  const text = inShort(objects);
  find(".found", root).textContent = text[0].toUpperCase() + text.slice(1);
  find(".objects", root).replaceChildren(...objects.slice(0, LISTED).map(row));
  const rest = objects.length - LISTED;
  const nothing = objects.length ? "" : `Nothing is surer than ${percent(threshold)}.`;
  say(find(".more", root), rest > 0 ? `and ${rest} more` : nothing);
}

/** @param {import("../methods.js").DetectedObject} found */
function row({ label, index, score, box }) {
  const mark = make("span", { class: "mark", "aria-hidden": "true" });
  mark.style.background = colorOf(index);
  const [x, y, width, height] = [box.x, box.y, box.width, box.height].map(Math.round);
  const where = make("span", { class: "where" }, `${width} × ${height} at ${x}, ${y}`);
  const named = make("span", { class: "label" }, label, " ", where);
  return make("li", {}, mark, named, make("span", { class: "score" }, percent(score)));
}
