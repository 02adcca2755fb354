/** Places in shares of the image, 0 to 1, in place of pixels. */
import { ModelError } from "./errors.js";

/**
 * Answers of any task with what lies in the image as shares of its width and height: boxes and points;
 * depths, as points have them, as shares of the width. What is in metres stays, and all else.
 *
 * @template A
 * @param {A} answers of a method, or one of them
 * @param {{width: number, height: number}} [size] of the image; answers know it, one of them does not
 * @returns {A} new ones
 */
export function normalized(answers, size = /** @type {any} */ (answers)?.image) {
  const { width = 0, height = 0 } = size ?? {};
  if (!(width > 0 && height > 0)) {
    throw new ModelError(
      "input",
      "of which size is the image? Give all answers of a method, or { width, height } beside",
    );
  }
  return shared(answers, width, height);
}

/**
 * @param {any} answer
 * @param {number} width
 * @param {number} height
 * @returns {any}
 */
function shared(answer, width, height) {
  const entries = Object.entries(answer).map(([name, value]) => {
    const inside = Array.isArray(answer) && Number.isInteger(+name);
    if (inside) return [name, shared(value, width, height)];
    if (name === "box") return [name, place(value, width, height)];
    if (isPlaces(name, value)) {
      return [name, value.map((/** @type {any} */ point) => point && place(point, width, height))];
    }
    return [name, value];
  });
  return Object.assign(Array.isArray(answer) ? [] : {}, Object.fromEntries(entries));
}

/**
 * @param {string} name those that end so are in metres
 * @param {any} value
 */
const isPlaces = (name, value) =>
  Array.isArray(value) &&
  !name.endsWith("3D") &&
  value.every((point) => point === null || (point?.x !== undefined && point.y !== undefined));

/**
 * @param {any} one a box or a point
 * @param {number} across
 * @param {number} down
 */
function place(one, across, down) {
  const { x, y, z, width, height } = one;
  return {
    ...one,
    x: x / across,
    y: y / down,
    ...(z !== undefined && { z: z / across }),
    ...(width !== undefined && { width: width / across, height: height / down }),
  };
}
