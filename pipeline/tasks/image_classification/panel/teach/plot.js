/** Loss and accuracy by epoch, as two lines that differ in dash as well as in colour. */

import { percent } from "../../../../client/demo/words.js";

const SVG = "http://www.w3.org/2000/svg";
const BOX = { left: 8, right: 385, top: 14, bottom: 180 };

/** @typedef {{ epoch: number, loss: number, accuracy: number, heldAccuracy?: number }} Epoch */

/**
 * @param {SVGElement} svg
 * @param {Epoch[]} epochs
 * @param {number} total epochs that are planned
 */
export function plot(svg, epochs, total) {
  const highest = Math.max(...epochs.map(({ loss }) => loss));
  const x = (/** @type {number} */ i) =>
    BOX.left + ((BOX.right - BOX.left) * i) / Math.max(total - 1, 1);
  const y = (/** @type {number} */ share) => BOX.bottom - (BOX.bottom - BOX.top) * share;
  const losses = epochs.map(({ loss }, i) => [x(i), y(loss / highest)]);
  const rights = epochs.map(({ accuracy }, i) => [x(i), y(accuracy)]);
  const last = /** @type {Epoch} */ (epochs.at(-1));
  const [lossAt, rightAt] = apart(losses.at(-1)?.[1] ?? 0, rights.at(-1)?.[1] ?? 0);
  svg.replaceChildren(
    node("line", { class: "axis", x1: BOX.left, x2: BOX.right, y1: BOX.bottom, y2: BOX.bottom }),
    node("polyline", { class: "line loss", points: losses.join(" ") }),
    node("polyline", { class: "line accuracy", points: rights.join(" ") }),
    label("loss", x(epochs.length - 1), lossAt, `loss ${last.loss.toFixed(2)}`),
    label("accuracy", x(epochs.length - 1), rightAt, `right ${percent(last.accuracy)}`),
    label("epochs", BOX.left, BOX.bottom + 16, "epoch 1"),
    label("epochs", BOX.right - 24, BOX.bottom + 16, String(total)),
  );
  const text = `After ${last.epoch} of ${total} epochs: loss ${last.loss.toFixed(2)}, ${percent(last.accuracy)} right.`;
  svg.setAttribute("aria-label", `Loss and accuracy by epoch. ${text}`);
}

/** Labels of both lines, where they do not cover each other. @param {number} loss @param {number} right */
function apart(loss, right) {
  const gap = 15;
  if (Math.abs(loss - right) >= gap) return [loss + 4, right + 4];
  const middle = Math.min(Math.max((loss + right) / 2, BOX.top + gap / 2), BOX.bottom - gap / 2);
  const side = loss < right ? -1 : 1;
  return [middle + (side * gap) / 2 + 4, middle - (side * gap) / 2 + 4];
}

/** @param {string} kind @param {number} x @param {number} y @param {string} text */
function label(kind, x, y, text) {
  const made = node("text", { class: kind, x: kind === "epochs" ? x : x + 6, y });
  made.textContent = text;
  return made;
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function node(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
