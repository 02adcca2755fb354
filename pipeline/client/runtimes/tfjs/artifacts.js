/** A TF.js model in memory: its model.json and shards, as TF.js wants them. */
import { io, util } from "@tensorflow/tfjs-core";
import { RuntimeFailure } from "../failure.js";

/** @typedef {import("../contract.js").OpenRequest} OpenRequest */

const ITEM_BYTES = { float32: 4, int32: 4, bool: 1, complex64: 8, float16: 2, uint8: 1, uint16: 2 };

/**
 * @param {Pick<OpenRequest, "entry" | "files">} request
 * @returns {Promise<any>} tf.io.ModelArtifacts
 */
export function artifactsOf({ entry, files }) {
  const json = JSON.parse(new TextDecoder().decode(entry));
  return io.getModelArtifactsForJSON(json, async (manifest) => {
    const specs = manifest.flatMap(({ weights }) => weights);
    const paths = manifest.flatMap(({ paths }) => paths);
    const shards = paths.map((path) => shard(files, path));
    // Nothing but their reader holds them then. Shards that are alike have one name.
    for (const path of paths) delete files[path];
    checkBytes(specs, shards);
    return [specs, shards];
  });
}

/**
 * As TF.js does it, but shards are let go wherever one ends with a tensor, as ours mostly do: TF.js would
 * hold all of them beside all decoded weights.
 * @param {ArrayBuffer[]} shards are taken out
 * @param {any[]} specs
 * @returns {Record<string, any>} tensors by name
 */
export function decodeWeights(shards, specs) {
  if (specs.some(hasOwnLength)) return io.decodeWeights(shards, specs);
  const tensors = {};
  /** @type {ArrayBuffer[]} */
  let parts = [];
  let [first, needed, held] = [0, 0, 0];
  specs.forEach((spec, index) => {
    needed += weightBytes(spec);
    while (held < needed) {
      const part = /** @type {ArrayBuffer} */ (shards.shift());
      held += part.byteLength;
      parts.push(part);
    }
    if (held > needed) return;
    Object.assign(tensors, io.decodeWeights(parts, specs.slice(first, index + 1)));
    [parts, first] = [[], index + 1];
  });
  return tensors;
}

/**
 * @param {Record<string, ArrayBuffer>} files
 * @param {string} path
 */
function shard(files, path) {
  const found = files[path];
  if (!found) throw new RuntimeFailure("format", `model.json names ${path}, which is not there`);
  return found;
}

/**
 * TF.js itself reports a missing or cut shard as a tensor of a wrong shape.
 * @param {any[]} specs
 * @param {ArrayBuffer[]} shards
 */
function checkBytes(specs, shards) {
  if (specs.some(hasOwnLength)) return;
  const needed = specs.reduce((sum, spec) => sum + weightBytes(spec), 0);
  const there = shards.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (needed === there) return;
  const text = `model.json needs ${needed} bytes of weights, its ${shards.length} shards hold ${there}`;
  throw new RuntimeFailure("format", text);
}

/** The bytes of strings depend on the strings. @param {{dtype: string}} spec */
const hasOwnLength = ({ dtype }) => dtype === "string";

/** @param {{shape: number[], dtype: string, quantization?: {dtype: string}}} spec */
function weightBytes({ shape, dtype, quantization }) {
  const type = /** @type {keyof typeof ITEM_BYTES} */ (quantization?.dtype ?? dtype);
  return util.sizeFromShape(shape) * ITEM_BYTES[type];
}
