/**
 * Runs a TF.js model on TF.js' cpu backend, as its users have it: node run.mjs MODEL.json
 * Reads a line for each batch, {inputs, outputs, names}: the file of its inputs and that for its
 * outputs, both safetensors, and which outputs are wanted. Answers each with a line, {} or {error}.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import tf from "@tensorflow/tfjs";
import { format, parse } from "../page/safetensors.js";

/** @param {string} file @returns {any} */
const handler = (file) => ({
  load: () => {
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    return tf.io.getModelArtifactsForJSON(manifest, async (/** @type {any[]} */ groups) => {
      const paths = groups.flatMap(({ paths }) => paths);
      const bytes = Buffer.concat(paths.map((path) => readFileSync(join(dirname(file), path))));
      const { byteOffset, byteLength } = bytes;
      const specs = groups.flatMap(({ weights }) => weights);
      return [specs, bytes.buffer.slice(byteOffset, byteOffset + byteLength)];
    });
  },
});

/** @param {string} path */
async function open(path) {
  const graph = "node" in JSON.parse(readFileSync(path, "utf8")).modelTopology;
  return graph ? tf.loadGraphModel(handler(path)) : tf.loadLayersModel(handler(path));
}

/** @param {string} path @returns {Record<string, any>} */
function tensors(path) {
  const buffer = new Uint8Array(readFileSync(path)).buffer;
  return Object.fromEntries(
    Object.entries(parse(buffer)).map(([name, { dtype, shape, data }]) => [
      name,
      tf.tensor(/** @type {any} */ (data), shape, /** @type {any} */ (dtype)),
    ]),
  );
}

/** @param {any} model @param {Record<string, any>} named @param {string[]} names */
async function run(model, named, names) {
  if ("executeAsync" in model) return [await model.executeAsync(named, names)].flat();
  const given = model.inputNames.map((/** @type {string} */ name) => named[name]);
  const results = [model.predict(given.length === 1 ? given[0] : given)].flat();
  return names.map((name) => results[model.outputNames.indexOf(name)]);
}

/** @param {any} model @param {{inputs: string, outputs: string, names: string[]}} job */
async function answer(model, { inputs, outputs, names }) {
  const named = tensors(inputs);
  const results = await run(model, named, names);
  const entries = results.map((result, index) => {
    const { dtype, shape } = result;
    const data = result.dataSync();
    // Of some operators TF.js says float32 and gives whole numbers.
    const values = dtype === "float32" ? Float32Array.from(data) : data;
    return [names[index], { dtype, shape, data: values }];
  });
  writeFileSync(outputs, Buffer.from(await format(Object.fromEntries(entries)).arrayBuffer()));
  tf.dispose([results, named]);
}

// Of two models in one TF.js, the second would find the first one's tensors.
await tf.setBackend("cpu");
const opening = open(process.argv[2]);
opening.catch(() => {});
for await (const line of createInterface({ input: process.stdin })) {
  const said = await opening
    .then((model) => answer(model, JSON.parse(line)))
    .then(() => ({}))
    .catch((error) => ({ error: error?.message ?? String(error) }));
  console.log(JSON.stringify(said));
}
