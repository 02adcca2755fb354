/** What happens to a model, told to whoever measures it. */

/**
 * @typedef {import("./events.js").ModelEvent} ModelEvent
 * @typedef {(event: ModelEvent) => void} Listener
 */

/** @type {typeof import("./events.js").observed} */
export const observed = (load, onEvent) =>
  /** @type {typeof load} */
  (
    async (url, options = {}) => {
      const start = performance.now();
      const since = () => performance.now() - start;
      const tell = teller(onEvent);
      const downloads = watched(tell, since);
      try {
        const onProgress = (/** @type {import("./index.js").Progress} */ progress) => {
          downloads(progress);
          options.onProgress?.(progress);
        };
        const model = await load(url, { ...options, onProgress });
        followed(model, tell, since);
        return model;
      } catch (/** @type {any} */ error) {
        for (const one of error?.tried ?? []) tell({ type: "fallback", ...one });
        failed(tell, error, "load", options.signal);
        throw error;
      }
    }
  );

/**
 * What a listener throws is its own, and the page's to hear of.
 * @param {Listener} onEvent
 * @returns {Listener}
 */
const teller = (onEvent) => (event) => {
  try {
    onEvent(event);
  } catch (error) {
    reportError(error);
  }
};

/**
 * @param {Listener} tell
 * @param {() => number} since
 * @returns {(progress: import("./index.js").Progress) => void}
 */
function watched(tell, since) {
  /** @type {Map<string, number | null>} when files began, null once they are told of */
  const begun = new Map();
  return ({ files }) => {
    for (const { url, loaded, total, cached } of files) {
      if (!loaded && total) continue;
      const began = begun.get(url) ?? since();
      if (begun.get(url) === null) continue;
      begun.set(url, loaded < total ? began : null);
      if (loaded >= total) {
        const atMs = since();
        tell({ type: "download", url, bytes: total, cached, ms: atMs - began, atMs });
      }
    }
  };
}

/**
 * @param {any} model
 * @param {Listener} tell
 * @param {() => number} since
 */
function followed(model, tell, since) {
  const { info } = model;
  let tried = 0;
  let runs = "";
  const choice = () => {
    for (const one of info.tried.slice(tried)) tell({ type: "fallback", ...one });
    tried = info.tried.length;
    const { name, release, artifact, backend, thread, why } = info;
    if (runs === `${artifact} ${backend}`) return;
    runs = `${artifact} ${backend}`;
    tell({ type: "chosen", name, release, artifact, backend, thread, why, atMs: since() });
  };
  choice();
  let first = true;
  for (const method of ["predict", ...info.methods]) {
    const ask = model[method];
    model[method] = async (/** @type {[any, any]} */ ...all) => {
      const began = since();
      try {
        const answer = await ask(...all);
        choice();
        const atMs = since();
        if (first) tell({ type: "first-answer", method, ms: atMs - began, atMs });
        first = false;
        return answer;
      } catch (error) {
        failed(tell, error, method, all[1]?.signal);
        throw error;
      }
    };
  }
}

/**
 * @param {Listener} tell
 * @param {any} error
 * @param {string} during
 * @param {AbortSignal} [signal] what its owner ended is no error
 */
function failed(tell, error, during, signal) {
  if (signal?.aborted) return;
  const { code = "failed", message = String(error), status } = error ?? {};
  tell({ type: "error", during, code, message, ...(status && { status }) });
}
