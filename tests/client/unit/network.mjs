/** A network that fails as networks do, a browser's cache with so much room, and time that passes at once. */
import { createHash } from "node:crypto";
import { mock } from "node:test";

// Time passes once nothing else goes on: so nothing may wait for a disk or another thread. What the
// client loads where it needs it is loaded now, and digests are computed at once.
import "../../../pipeline/client/database.js";
import "../../../pipeline/client/explain.js";
import "../../../pipeline/client/fallback.js";
import "../../../pipeline/client/room.js";

const digest = async (_name, content) =>
  new Uint8Array(createHash("sha256").update(new Uint8Array(content)).digest()).buffer;
Object.defineProperty(crypto, "subtle", { value: { digest }, configurable: true });

Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
globalThis.location = new URL("https://page.example/");

/** @typedef {(content: Uint8Array, signal: AbortSignal) => Response | Promise<Response>} Fault */

/** What is served, what goes wrong, and what was asked for. */
export class Network {
  /** URL -> content. @type {Map<string, Uint8Array>} */
  files = new Map();
  /** What was asked for, in order. @type {{ url: string, cache: string | undefined }[]} */
  requests = [];
  /** @type {{ pattern: RegExp, fault: Fault, times: number }[]} */
  #faults = [];

  constructor() {
    globalThis.fetch = async (url, { signal, cache } = {}) => {
      signal?.throwIfAborted();
      this.requests.push({ url: String(url), cache });
      const content = this.files.get(String(url));
      const planned = this.#faults.find(({ pattern, times }) => times > 0 && pattern.test(url));
      if (planned) planned.times--;
      if (planned) return planned.fault(content ?? new Uint8Array(), signal);
      return content ? new Response(content) : answer(404)();
    };
  }

  /** @param {string} url @param {string | Uint8Array} content @returns {any} as a manifest names it, by its URL */
  serve(url, content) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.files.set(url, bytes);
    return { url, sha256: sha256(bytes), bytes: bytes.length };
  }

  /** @param {RegExp} pattern of URLs @param {Fault} fault @param {number} [times] */
  fail(pattern, fault, times = Number.POSITIVE_INFINITY) {
    this.#faults.push({ pattern, fault, times });
  }

  heal() {
    this.#faults = [];
  }

  /** @param {RegExp} pattern @returns {string[]} URLs that were asked for and fit */
  seen(pattern = /./) {
    return this.requests.map(({ url }) => url).filter((url) => pattern.test(url));
  }
}

/** @param {Uint8Array} content */
export const sha256 = (content) => createHash("sha256").update(content).digest("hex");

/** @param {number} status @param {Record<string, string>} [headers] @returns {Fault} */
export const answer = (status, headers) => () => new Response("<h1>no</h1>", { status, headers });

/** No answer at all. @type {Fault} */
export const drop = () => {
  throw new TypeError("fetch failed");
};

/** Half of the body, then the connection breaks. @type {Fault} */
export const cut = (content) => half(content, (body) => body.error(new TypeError("terminated")));

/** Half of the body, then nothing. @type {Fault} */
export const stall = (content, signal) =>
  half(content, (body) => signal.addEventListener("abort", () => body.error(signal.reason)));

/** One bit of the body is another. @type {Fault} */
export const flip = (content) => new Response(content.with(0, content[0] ^ 1));

/** @type {Fault} */
export const longer = (content) => new Response(new Uint8Array([...content, 1, 2, 3]));

/** @type {Fault} */
export const shorter = (content) => new Response(content.subarray(1));

/** @param {Uint8Array} content @param {(body: ReadableStreamDefaultController) => void} next */
const half = (content, next) => {
  let begun = false;
  const pull = (body) => {
    if (begun) return next(body);
    begun = true;
    body.enqueue(content.subarray(0, content.length >> 1));
  };
  return new Response(new ReadableStream({ pull }));
};

/**
 * Let time pass until something has settled, at once for whoever waits here.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ value?: T, error?: any, ms: number }>} what came of it, and after how long
 */
export async function timed(work) {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let settled = null;
    let ms = 0;
    work().then(
      (value) => {
        settled = { value };
      },
      (error) => {
        settled = { error };
      },
    );
    for (;;) {
      // Streams take some turns of the loop; only then does time pass.
      for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
      if (settled) return { ...settled, ms };
      mock.timers.tick(50);
      ms += 50;
    }
  } finally {
    mock.timers.reset();
  }
}

/** A browser's Cache API, of which one origin may use so many bytes. */
export class Caches {
  /** @type {Map<string, Uint8Array>} */
  kept = new Map();
  quota = Number.POSITIVE_INFINITY;

  constructor() {
    const cache = {
      match: async (key) => (this.kept.has(key) ? new Response(this.kept.get(key)) : undefined),
      put: (key, response) => this.#put(key, response),
      keys: async () => [...this.kept.keys()].map((url) => ({ url })),
      delete: async (key) => this.kept.delete(key),
    };
    globalThis.caches = { open: async () => cache };
  }

  /** What the client calls what it keeps: digests of files, and URLs of manifests. */
  get keys() {
    return [...this.kept.keys()].map((key) => key.slice(key.indexOf("?") + 1));
  }

  async #put(key, response) {
    const content = new Uint8Array(await response.arrayBuffer());
    let used = content.length;
    for (const [name, one] of this.kept) if (name !== key) used += one.length;
    if (used > this.quota) throw new DOMException("Quota exceeded.", "QuotaExceededError");
    // What is put anew is listed last.
    this.kept.delete(key);
    this.kept.set(key, content);
  }
}
