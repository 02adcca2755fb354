/** The page's end of the worker that embeds and trains. */

import { ROOT } from "../catalog.js";

export class Trainer {
  constructor() {
    /** @type {Map<number, { resolve: (value: any) => void, reject: (error: any) => void, tell?: (event: any) => void }>} */
    this._asked = new Map();
    this._last = 0;
    this._worker = new Worker(new URL("demo/learn.js", ROOT), { type: "module" });
    this._worker.addEventListener("message", ({ data }) => this._hear(data));
    this._worker.addEventListener("error", (event) => {
      event.preventDefault();
      this._end(
        new Error(event.message || "The training code could not be loaded. Reload the page."),
      );
    });
  }

  /**
   * @param {string} what
   * @param {any} [asked]
   * @param {(event: any) => void} [tell] told of what happens on the way
   * @returns {Promise<any>}
   */
  ask(what, asked = {}, tell) {
    return new Promise((resolve, reject) => {
      const id = ++this._last;
      this._asked.set(id, { resolve, reject, tell });
      this._worker.postMessage({ id, what, asked });
    });
  }

  close() {
    this._worker.terminate();
    this._end(new DOMException("the page went on to another model", "AbortError"));
  }

  /** @param {any} message */
  _hear({ id, event, value, error }) {
    const one = this._asked.get(id);
    if (event) return one?.tell?.(event);
    this._asked.delete(id);
    if (error) one?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else one?.resolve(value);
  }

  /** @param {Error} error */
  _end(error) {
    for (const { reject } of this._asked.values()) reject(error);
    this._asked.clear();
  }
}
