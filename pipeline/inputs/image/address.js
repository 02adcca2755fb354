/** A picture by its URL. */
import { inputError } from "../errors.js";

/**
 * @param {string} address
 * @param {string} [base] what it is relative to
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 * @throws an error with the code `input`
 */
export async function pictureAt(address, base, signal) {
  // A data: URL may be as long as the picture.
  const shown = address.slice(0, 120);
  const url = parsed(address, base);
  if (!url) throw inputError(`${shown} is no URL of an image`);
  const answer = await fetch(url, { signal }).catch(async () => {
    signal?.throwIfAborted();
    throw inputError(`${shown} ${await reason(url, signal)}`);
  });
  if (!answer.ok) throw inputError(`no image at ${shown}: HTTP ${answer.status}`);
  return answer.blob();
}

/** @param {string} address @param {string} [base] */
function parsed(address, base) {
  try {
    return new URL(address, base);
  } catch {
    return null;
  }
}

/**
 * A browser does not say why it gave nothing: what it gives where nobody may read it tells.
 * @param {URL} url
 * @param {AbortSignal} [signal]
 */
const reason = (url, signal) =>
  fetch(url, { mode: "no-cors", signal }).then(
    () =>
      "is of another origin, which lets no page read it: its server has to send Access-Control-Allow-Origin, or serve it from the page's own origin",
    () =>
      "cannot be fetched: there is no such server, no network, or the page's policy (CSP connect-src) refuses it",
  );
