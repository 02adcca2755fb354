/** The part of an image that a caller asks for, in place of the whole. */
import { inputError } from "../errors.js";
import { fitRegion } from "./region.js";

/**
 * @typedef {import("./region.js").Region} Region
 * @typedef {import("./value.js").ImageRegion["region"]} Box
 * @typedef {{region?: Region | Box, rotation?: number}} Asked a region as the pipeline has it knows its angle
 */

/**
 * What of an image becomes a model's input.
 * @param {Asked | undefined} asked
 * @param {import("./preprocess.js").ImageOptions} options
 * @param {number} height of the image
 * @param {number} width
 * @returns {Region | null} null where all of it is asked for
 */
export function cropOf({ region, rotation } = {}, options, height, width) {
  if (!region && !rotation) return null;
  if (region && "angle" in region) return region;
  const whole = regionOf(region, rotation ?? 0, height, width);
  // What a release does not need is left out of its bundle: esbuild is told (constants of INPUT).
  return /** @type {any} */ (globalThis).INPUT_FITS !== false ? fitRegion(whole, options) : whole;
}

/**
 * @param {Box} box
 * @param {number} rotation
 * @param {number} height of the image
 * @param {number} width
 * @returns {Region}
 * @throws an error with the code `input`: it is no region, or not of this image
 */
function regionOf(box, rotation, height, width) {
  const angle = (rotation * Math.PI) / 180;
  // The whole, as large as it is once it is turned.
  const size = box ?? turned({ width, height, angle });
  const [x, y] = box ? [box.x + box.width / 2, box.y + box.height / 2] : [width / 2, height / 2];
  const region = { x, y, width: size.width, height: size.height, angle };
  if (!Object.values(region).every(Number.isFinite) || size.width < 1 || size.height < 1)
    throw inputError(
      "region is { x, y, width, height } in pixels of the image, at least one wide and high; rotation is a number of degrees",
    );
  const seen = turned(region);
  if (
    Math.abs(2 * x - width) >= seen.width + width ||
    Math.abs(2 * y - height) >= seen.height + height
  )
    throw inputError(`the region lies outside of the image, which has ${width}x${height} pixels`);
  return region;
}

/**
 * Of what is turned, the size of the upright rectangle around it.
 * @param {{width: number, height: number, angle: number}} region
 */
function turned({ width, height, angle }) {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  return { width: width * cos + height * sin, height: width * sin + height * cos };
}
