/** The page's end of the worker that embeds and trains. */

/** Beside the panel's bundle, which this is a part of. */
const LEARN = new URL("panel/learn.worker.js", import.meta.url);

export class Trainer {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: any) => void, tell?: (event: any) => void }>} */
  #asked = new Map();
  #last = 0;
  #worker;

  constructor() {
    this.#worker = new Worker(LEARN, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#end(
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
      const id = ++this.#last;
      this.#asked.set(id, { resolve, reject, tell });
      this.#worker.postMessage({ id, what, asked });
    });
  }

  close() {
    this.#worker.terminate();
    this.#end(new DOMException("the page went on to another model", "AbortError"));
  }

  /** @param {any} message */
  #hear({ id, event, value, error }) {
    const one = this.#asked.get(id);
    if (event) return one?.tell?.(event);
    this.#asked.delete(id);
    if (error) one?.reject(Object.assign(new Error(error.message), { code: error.code }));
    else one?.resolve(value);
  }

  /** @param {Error} error */
  #end(error) {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
