/**
 * Takes the trembling out of what moves: the One Euro filter, which smooths what is slow and follows
 * what is fast (Casiez, Roussel and Vogel 2012, doi 10.1145/2207676.2208639).
 */
import { boxOf } from "./track.js";

/** `cutoff` in Hz; `beta`: by how much it rises with the speed, in sizes of the thing a second. */
const DEFAULTS = { cutoff: 1.5, beta: 4, speedCutoff: 1 };

/** Frames after which what was not seen is forgotten. */
const PATIENCE = 30;

/**
 * @param {boolean | {cutoff?: number, beta?: number}} options
 * @returns {(answers: any[], timestamp: number) => any[]} of answers with an `id`, at a time in
 *   milliseconds: the same with smoothed `box` and `keypoints`
 */
export function smoothed(options) {
  const chosen = { ...DEFAULTS, .../** @type {any} */ (options) };
  /** @type {Map<number, {filters: Map<string, Filter>, missed: number}>} by id */
  const known = new Map();
  /** @type {number | undefined} */
  let before;

  return (answers, timestamp) => {
    // A video that was sought begins anew.
    if (before !== undefined && timestamp <= before) known.clear();
    const seconds = before === undefined ? 0 : (timestamp - before) / 1000;
    before = timestamp;
    for (const [id, kept] of known) if (++kept.missed > PATIENCE) known.delete(id);
    return answers.map((answer) => {
      const kept = known.get(answer.id) ?? { filters: new Map(), missed: 0 };
      kept.missed = 0;
      known.set(answer.id, kept);
      const { width = 1, height = 1 } = boxOf(answer) ?? {};
      const size = Math.max(width, height, 1);
      const filter = (/** @type {string} */ name, /** @type {number} */ value) => {
        if (!kept.filters.has(name)) kept.filters.set(name, new Filter(chosen));
        return /** @type {Filter} */ (kept.filters.get(name)).next(value, seconds, size);
      };
      return calmed(answer, filter);
    });
  };
}

/**
 * @param {any} answer
 * @param {(name: string, value: number) => number} filter
 */
function calmed({ box, keypoints, ...rest }, filter) {
  const numbers = (/** @type {any} */ values, /** @type {string} */ name) =>
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key,
        MOVING.has(key) ? filter(`${name} ${key}`, value) : value,
      ]),
    );
  return {
    ...rest,
    ...(box && { box: numbers(box, "box") }),
    ...(keypoints && {
      keypoints: keypoints.map((/** @type {any} */ point, /** @type {number} */ index) =>
        point ? numbers(point, `${index}`) : point,
      ),
    }),
  };
}

const MOVING = new Set(["x", "y", "z", "width", "height"]);

/** Of one number. */
class Filter {
  #options;
  /** @type {number | undefined} */
  #value;
  #speed = 0;

  /** @param {{cutoff: number, beta: number, speedCutoff: number}} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * @param {number} value
   * @param {number} seconds since the last one
   * @param {number} size in whose terms it is fast or slow
   */
  next(value, seconds, size) {
    if (this.#value === undefined || !(seconds > 0)) return (this.#value = value);
    const { cutoff, beta, speedCutoff } = this.#options;
    const speed = (value - this.#value) / size / seconds;
    this.#speed += share(speedCutoff, seconds) * (speed - this.#speed);
    const least = cutoff + beta * Math.abs(this.#speed);
    return (this.#value += share(least, seconds) * (value - this.#value));
  }
}

/**
 * How far a low-pass filter of first order goes to a new value.
 * @param {number} cutoff in Hz
 * @param {number} seconds
 */
const share = (cutoff, seconds) => 1 / (1 + 1 / (2 * Math.PI * cutoff * seconds));
