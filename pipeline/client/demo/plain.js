/** The panel of models that take tensors: they run on the release's sample, and answer in numbers. */

import { decode } from "../runtimes/canary.js";
import { mapped } from "../runtimes/record.js";
import { find, make } from "./dom.js";

/**
 * @typedef {{ dtype: string, shape: number[], data: any }} Tensor
 * @typedef {Record<string, Tensor>} Tensors
 * @typedef {import("./contract.js").Host} Host
 * @typedef {import("./contract.js").Given<any, Tensors>} Given
 */

/** Values of a tensor that are shown. */
const SHOWN = 6;

const STAGE = `
<h2 id="stage-title">Inputs</h2>
<ul class="tensors"></ul>
<div class="tools"><button type="button" id="again">Run it again</button></div>
<p class="quiet small" id="sample-note"></p>
`;

/** @param {Host} host */
export const create = async (host) => new Plain(host);

class Plain {
  code = "";
  /** @type {import("./contract.js").View[]} */
  views = [];
  stage = {
    /** @type {{ given: Tensors } | null} */
    item: null,
    waiting: "It has not run yet.",
    // The sample stays: there is nothing else to run it on.
    clear: () => {},
  };
  #seen;

  /** @param {Host} host */
  constructor({ stage, seen }) {
    stage.innerHTML = STAGE;
    find("#again", stage).addEventListener("click", () => {
      const { item } = this.stage;
      if (item) this.stage.item = { ...item };
      void seen();
    });
    this.#seen = seen;
  }

  /** @param {any} manifest */
  open({ inputs, outputs, canary }) {
    /** @type {any} */
    const given = canary
      ? mapped(canary.inputs, decode)
      : Object.fromEntries(inputs.map((/** @type {any} */ spec) => [spec.name, zeros(spec)]));
    find(".tensors").replaceChildren(...inputs.map((/** @type {any} */ spec) => card(spec, given)));
    find("#sample-note").textContent = canary
      ? "Values of the sample by which every artifact of this release is checked."
      : "This release has no sample: the inputs are zeros.";
    this.code = usage(inputs, outputs);
    this.stage.item = { given };
    void this.#seen();
  }

  close() {
    this.stage.item = null;
  }

  /** @param {any} model @param {any} item @returns {Promise<Tensors>} */
  ask(model, { given }) {
    return model.predict(given);
  }

  /** @param {HTMLElement} root */
  prepare(root) {
    root.append(make("ul", { class: "tensors", "aria-label": "Outputs" }));
  }

  /** @param {HTMLElement} root @param {Given} given */
  draw(root, { answer }) {
    const all = Object.entries(answer).map(([name, tensor]) => card({ ...tensor, name }, answer));
    find(".tensors", root).replaceChildren(...all);
  }

  /** @param {Given} given */
  inShort({ answer }) {
    return Object.entries(answer)
      .map(([name, { shape, data }]) => `${name} ${shapeOf(shape)}: ${values(data)}`)
      .join("; ");
  }

  /** @param {Given} a @param {Given} b */
  compare(a, b) {
    const said = Object.entries(a.answer).map(([name, { data }]) =>
      difference(name, data, b.answer[name]?.data),
    );
    return said.join(" ");
  }
}

/** @param {{ name: string, dtype: string, shape: (number | null)[] }} spec @param {Tensors} given */
function card({ name, dtype, shape }, given) {
  const about = `${dtype} ${shapeOf(shape)}`;
  return make(
    "li",
    { class: "tensor" },
    make("p", {}, make("strong", {}, name), " ", make("span", { class: "quiet" }, about)),
    make("p", { class: "quiet small" }, given[name] ? figures(given[name].data) : ""),
  );
}

/** @param {(number | null)[]} shape */
const shapeOf = (shape) => `[${shape.map((size) => size ?? "n").join(", ")}]`;

/** @param {any} data */
const values = (data) => {
  const few = Array.from(data.slice(0, SHOWN), figure);
  return few.join(", ") + (data.length > SHOWN ? ", …" : "");
};

/** @param {any} data */
function figures(data) {
  const numbers = Array.from(data, Number);
  if (!numbers.length || numbers.some(Number.isNaN)) return values(data);
  const [least, most] = numbers.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
  return `${values(data)} · from ${figure(least)} to ${figure(most)}`;
}

/** @param {any} value */
const figure = (value) =>
  typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);

/** @param {string} name @param {any} a @param {any} b */
function difference(name, a, b) {
  if (!b || a.length !== b.length) return `${name} is of another size.`;
  let [most, span] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(Number(a[i]) - Number(b[i])));
    span = Math.max(span, Math.abs(Number(a[i])));
  }
  if (!most) return `${name} is the same in both.`;
  return `${name} differs by ${figure(most)} at most, of values up to ${figure(span)}.`;
}

/** @param {{ dtype: string, shape: (number | null)[] }} spec @returns {Tensor} of one sample */
function zeros({ dtype, shape }) {
  const sizes = shape.map((size) => size ?? 1);
  return decode({ dtype, shape: sizes, grid: sizes.map(() => 1), values: [0] });
}

/** @param {any[]} inputs @param {any[]} outputs */
function usage(inputs, outputs) {
  const given = inputs.map(
    ({ name, dtype, shape }) =>
      `  ${JSON.stringify(name)}: { dtype: "${dtype}", shape: ${shapeOf(shape.map((/** @type {any} */ size) => size ?? 1))}, data },\n`,
  );
  return `const outputs = await model.predict({\n${given.join("")}});
console.log(${outputs.map(({ name }) => `outputs[${JSON.stringify(name)}].data`).join(", ")});`;
}
