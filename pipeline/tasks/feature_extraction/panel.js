/** Embeddings in the demo: pictures that are kept, by how like the one on the stage they are. */

import { find, make, parsed, say } from "../../client/demo/dom.js";
import { Digits } from "../../inputs/image/stage/digits.js";
import { Stage } from "../../inputs/image/stage.js";
import "./panel.css";

/**
 * @typedef {import("../../inputs/image/stage.js").Item} Item
 * @typedef {import("../../client/demo/contract.js").Host} Host
 * @typedef {{ item: Item, name: string, thumb: string }} Kept `thumb`: the picture, small, as a data URL
 * @typedef {{ kept: Kept, cosine: number }} Near
 * @typedef {{ embedding: Float32Array, near: Near[] }} Answer `near`: all that are kept, the likest first
 * @typedef {import("../../client/demo/contract.js").Given<Item, Answer>} Given
 */

const ANSWER = `
<div class="first"><p class="likest"></p></div>
<ol class="likeness" aria-label="Kept pictures, the likest first"></ol>
<p class="more quiet small"></p>
`;
const TOOLS = `<p class="keep tools"><button type="button" disabled>Keep to compare</button></p>`;
/** So many are kept. */
const MOST = 12;
const SIDE = 48;

/** @param {Host} host */
export const create = (host) => new Panel(host);

export class Panel {
  code = `const [a, b] = [await model.embed(image), await model.embed(another)];
console.log(a.reduce((sum, value, i) => sum + value * b[i], 0)); // 1: alike`;
  /** @type {import("../../client/demo/contract.js").View[]} */
  views = [];
  /** @type {Kept[]} */
  #kept = [];
  #count = 0;
  /** By model: embeddings of what is kept. @type {WeakMap<object, Map<Kept, Float32Array>>} */
  #known = new WeakMap();
  #digits = new Digits();
  #button;

  /** @param {Host} host */
  constructor({ stage, seen }) {
    this.stage = new Stage(stage, () => {
      this.#button.disabled = !this.stage.item;
      return seen();
    });
    const tools = parsed(TOOLS);
    stage.append(tools);
    this.#button = /** @type {HTMLButtonElement} */ (find("button", tools));
    this.#button.addEventListener("click", () => {
      this.#keep();
      void seen();
    });
  }

  /** @param {any} manifest */
  open(manifest) {
    this.stage.open(manifest, this.#digits.suits(manifest) ? this.#digits : null);
  }

  close() {
    this.stage.close();
  }

  /** @param {any} model @param {Item} item @returns {Promise<Answer>} */
  async ask(model, { given }) {
    const known = this.#known.get(model) ?? new Map();
    this.#known.set(model, known);
    const embedding = await model.embed(given);
    for (const kept of this.#kept)
      if (!known.has(kept)) known.set(kept, await model.embed(kept.item.given));
    const near = this.#kept
      .map((kept) => ({ kept, cosine: cosineOf(embedding, known.get(kept)) }))
      .sort((a, b) => b.cosine - a.cosine);
    return { embedding, near };
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.innerHTML = ANSWER;
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer: { embedding, near } }) {
    find(".likest", root).textContent = near.length
      ? `Likest: ${near[0].kept.name}`
      : `${embedding.length} numbers`;
    find(".likeness", root).replaceChildren(...near.map(row));
    say(find(".more", root), near.length ? "" : "Keep this picture, then show another one.");
  }

  /** @param {Given} given */
  inShort({ answer: { embedding, near } }) {
    const [first] = near;
    return first
      ? `likest: ${first.kept.name}, ${first.cosine.toFixed(2)}`
      : `${embedding.length} numbers`;
  }

  /** @param {Given} a @param {Given} b */
  compare({ answer: a }, { answer: b }) {
    const cosine = cosineOf(a.embedding, b.embedding);
    return `The cosine of both embeddings is ${cosine.toFixed(4)}.`;
  }

  #keep() {
    const { item } = this.stage;
    if (!item) return;
    const kept = { item: { ...item }, name: `picture ${++this.#count}`, thumb: thumbOf(item) };
    this.#kept = [kept, ...this.#kept].slice(0, MOST);
    // Another object, so that it is asked about anew.
    this.stage.item = { ...item };
  }
}

/** Of two embeddings of one size. @param {Float32Array} a @param {Float32Array} b */
export function cosineOf(a, b) {
  let [dot, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    left += a[i] ** 2;
    right += b[i] ** 2;
  }
  return dot / Math.sqrt(left * right || 1);
}

/** @param {Near} near */
function row({ kept: { name, thumb }, cosine }) {
  const fill = make("span", { class: "fill" });
  fill.style.width = `${Math.max(0, cosine) * 100}%`;
  const track = make("span", { class: "track" }, fill);
  const score = make("span", { class: "score" }, cosine.toFixed(2));
  const picture = make("img", { src: thumb, alt: "", width: SIDE, height: SIDE });
  return make("li", {}, picture, make("span", { class: "label" }, name), track, score);
}

/** @param {Item} item */
function thumbOf({ given }) {
  const canvas = make("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  const picture = given instanceof ImageData ? pictureOf(given) : given;
  const side = Math.min(picture.width, picture.height);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  return canvas.toDataURL();
}

/** @param {ImageData} pixels */
function pictureOf(pixels) {
  const canvas = make("canvas", { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
