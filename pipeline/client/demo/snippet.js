/** Code for a page that uses this very release, and a button that copies it. */

import { find } from "./dom.js";

/**
 * @param {{ client: string, url: string, integrity?: string, wish: Record<string, string>, code: string }} release
 *   `url` and `integrity` of its manifest; `wish`: what was chosen of artifact and backend; `code`: what is
 *   done with the model
 */
export function snippet({ client, url, integrity, wish, code }) {
  const options = Object.entries({ ...(integrity && { integrity }), ...wish });
  const lines = options.map(([name, value]) => `  ${name}: ${JSON.stringify(value)},\n`).join("");
  return `import { load } from ${JSON.stringify(client)};

const model = await load(
  ${JSON.stringify(url)},${options.length ? ` {\n${lines.replace(/^/gm, "  ").trimEnd()}\n  },` : ""}
);
${code}
`;
}

/** What pins a manifest, as pages pin scripts. @param {ArrayBuffer} content its bytes */
export async function pin(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}

/** How long a button says what it did. */
const SAID_MS = 2000;

/** @param {HTMLButtonElement} button @param {() => string} text */
export function copyOn(button, text) {
  const name = button.textContent;
  /** @type {ReturnType<typeof setTimeout>} */
  let over;
  button.addEventListener("click", async () => {
    clearTimeout(over);
    button.textContent = (await copied(text())) ? "Copied" : "Press Ctrl+C";
    find("#announcer").textContent = button.textContent;
    over = setTimeout(() => (button.textContent = name), SAID_MS);
  });
}

/** @param {string} text @returns {Promise<boolean>} false where the browser gives no clipboard: it is selected */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(find("#snippet"));
    return false;
  }
}

/** @param {string} selector @param {string} [url] none hides it */
export function lead(selector, url) {
  const link = /** @type {HTMLAnchorElement} */ (find(selector));
  link.hidden = !url;
  if (url) link.href = url;
}
