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
    const shards = manifest.flatMap(({ paths }) => paths).map((path) => shard(files, path));
    checkBytes(specs, shards);
    return [specs, shards];
  });
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
  // The bytes of strings depend on the strings.
  if (specs.some(({ dtype }) => dtype === "string")) return;
  const needed = specs.reduce((sum, spec) => sum + weightBytes(spec), 0);
  const there = shards.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (needed === there) return;
  const text = `model.json needs ${needed} bytes of weights, its ${shards.length} shards hold ${there}`;
  throw new RuntimeFailure("format", text);
}

/** @param {{shape: number[], dtype: string, quantization?: {dtype: string}}} spec */
function weightBytes({ shape, dtype, quantization }) {
  const type = /** @type {keyof typeof ITEM_BYTES} */ (quantization?.dtype ?? dtype);
  return util.sizeFromShape(shape) * ITEM_BYTES[type];
}
