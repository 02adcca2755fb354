/** Numbers and errors in words. */

const FIGURE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${FIGURE.format(bytes / 1000)} KB` : `${FIGURE.format(bytes / 1e6)} MB`;
}

/** @param {number} ms */
export const milliseconds = (ms) =>
  ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** @param {number} share from 0 to 1 */
export function percent(share) {
  // Nothing short of certain is called so.
  const shown = Math.min(share * 100, share < 1 ? 99.9 : 100);
  const fine = shown < 10 || (shown > 99 && shown < 100);
  // A line never ends between the number and its sign.
  return `${fine ? shown.toFixed(1) : Math.round(shown)}\u00a0%`;
}

/** How right a model is, by its task's metric. @param {import("../page.js").PageSourceAccuracy} accuracy */
export function score({ value, words = "accuracy", unit = "percent" }) {
  if (unit === "percent") return `${words} ${percent(value)}`;
  return `${words} ${FIGURE.format(value)}${unit === "number" ? "" : `\u00a0${unit}`}`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const NOTHING =
  "Nothing of this release could be run in this browser. What was tried is listed below, each with what went wrong.";

/** What to do about an error, by its code. @type {Record<string, string>} */
const TODO = {
  http: "Reload; if it stays so, the release is not whole: publish it again.",
  network: "Check the connection, then reload.",
  offline: "Connect once, so that this model can be kept for the next time.",
  integrity:
    "What came is not what was published. Reload; if it stays so, check the server or proxy.",
  quota: "The browser’s storage is full: free some, then reload.",
  format: "The server answered with something else: check the address.",
  unavailable: "Choose another backend, or Automatic.",
  lost: "The graphics device went away: choose the backend again, or a wasm one.",
  memory: "Close other tabs, or choose a smaller artifact.",
  NotAllowedError: "Allow the camera for this page in the browser’s settings.",
  NotFoundError: "Connect a camera, or pick a photo.",
};

/**
 * An error in one line: what happened, and what to do.
 * @param {any} error
 */
export function line(error) {
  // Its message lists everything that was tried, which the page does in a list.
  if (error?.code === "nothing") return NOTHING;
  const said = String(error?.message ?? error).split("\n")[0];
  const todo = TODO[error?.code] ?? TODO[error?.name] ?? "";
  return `${said.replace(/([^.!?])$/, "$1.")} ${todo}`.trim();
}
