/** The few things that every part of the page does with the DOM. */

/**
 * The one element that a selector finds.
 * @template {Element} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {T}
 */
export function find(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return /** @type {T} */ (/** @type {unknown} */ (found));
}

/**
 * An element with properties (`class` and `aria-…` and `data-…` as attributes) and children.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The content of a template, to be put into the page.
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function stamp(selector) {
  const template = /** @type {HTMLTemplateElement} */ (find(selector));
  const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  return /** @type {HTMLElement} */ (content.firstElementChild);
}

/**
 * The element that a text describes, which is this code's own and nobody's input.
 * @param {string} html
 * @returns {HTMLElement}
 */
export function parsed(html) {
  const template = make("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

/**
 * Show one line of text, or hide the element where there is none.
 * @param {HTMLElement} element
 * @param {string} [text]
 */
export function say(element, text = "") {
  element.textContent = text;
  element.hidden = !text;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/**
 * Tell screen readers, once things have settled: a live picture changes many times a second.
 * @param {string} text
 */
export function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => void (find("#announcer").textContent = text), 700);
}

/**
 * Let a button or a field be used, or not.
 * @param {string} selector
 * @param {boolean} on
 * @param {ParentNode} [root]
 */
export function enable(selector, on, root = document) {
  /** @type {HTMLButtonElement} */ (find(selector, root)).disabled = !on;
}

/**
 * Hear of files that are chosen, also of the same ones again.
 * @param {string} selector of a file field
 * @param {(files: File[]) => void} chosen
 * @param {ParentNode} [root]
 */
export function onFiles(selector, chosen, root = document) {
  const field = /** @type {HTMLInputElement} */ (find(selector, root));
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    field.value = "";
    if (files.length) chosen(files);
  });
}
