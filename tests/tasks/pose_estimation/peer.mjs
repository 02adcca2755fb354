/** PoseNet's own package decodes maps, of the file given by standard input: [{outputs, options}]. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const { decodeMultiplePoses } = require(
  join(process.argv[2], "dist/multi_pose/decode_multiple_poses.js"),
);

/** What the package reads of a TensorBuffer3D. */
function buffer({ shape: [, ...shape], data }, activate = (/** @type {number} */ value) => value) {
  const [, width, depth] = shape;
  const get = (y, x, c) => activate(data[(y * width + x) * depth + c]);
  return { shape, get };
}

const sigmoid = (value) => 1 / (1 + Math.exp(-value));

const answers = JSON.parse(readFileSync(0, "utf8")).map(({ outputs, options }) => {
  const { stride, least, radius } = options.heatmaps;
  const { heat, offset, forward, backward } = outputs;
  return decodeMultiplePoses(
    buffer(heat, sigmoid),
    buffer(offset),
    buffer(forward),
    buffer(backward),
    stride,
    options.max,
    least,
    radius,
  );
});
process.stdout.write(JSON.stringify(answers));
