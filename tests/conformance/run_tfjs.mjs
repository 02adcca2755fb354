// Runs a TF.js model as its documentation says, on WebAssembly: node run_tfjs.mjs NODE_MODULES < JOB
// JOB: {file: model.json, inputs: [{name, shape, dtype, data}]}; prints {outputs} or {error}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(join(process.argv[2], "anywhere.js"));
const tf = require("@tensorflow/tfjs");
const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");

/** @param {string} file */
const handler = (file) => ({
  load: () => {
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    return tf.io.getModelArtifactsForJSON(manifest, async (groups) => {
      const paths = groups.flatMap(({ paths }) => paths);
      const bytes = Buffer.concat(paths.map((path) => readFileSync(join(dirname(file), path))));
      const { byteOffset, byteLength } = bytes;
      const specs = groups.flatMap(({ weights }) => weights);
      return [specs, bytes.buffer.slice(byteOffset, byteOffset + byteLength)];
    });
  },
});

/** @param {any} model @param {Record<string, any>} named in the order of the model's inputs */
async function graphOutputs(model, named) {
  const signature = model.modelSignature?.inputs ?? {};
  // Keras numbers the tensors that it exports: keras_tensor, keras_tensor_1, …
  const places = model.inputs
    .map(({ name }) => name)
    .sort((a, b) => a.length - b.length || a.localeCompare(b));
  const feeds = {};
  Object.entries(named).forEach(([name, tensor], i) => {
    feeds[signature[name]?.name ?? places[i]] = tensor;
  });
  return [await model.executeAsync(feeds)].flat();
}

/** @param {any} job */
async function run({ file, inputs }) {
  setWasmPaths(`${join(process.argv[2], "@tensorflow/tfjs-backend-wasm/dist")}/`);
  await tf.setBackend("wasm");
  const graph = JSON.parse(readFileSync(file, "utf8")).format === "graph-model";
  const model = await (graph ? tf.loadGraphModel : tf.loadLayersModel)(handler(file));
  const named = Object.fromEntries(
    inputs.map(({ name, shape, dtype, data }) => [name, tf.tensor(data, shape, dtype)]),
  );
  const list = Object.values(named);
  const outputs = graph
    ? await graphOutputs(model, named)
    : [model.predict(list.length === 1 ? list[0] : list)].flat();
  return outputs.map((t) => ({ shape: t.shape, dtype: t.dtype, data: [...t.dataSync()] }));
}

const job = JSON.parse(readFileSync(0, "utf8"));
const answer = await run(job).then(
  (outputs) => ({ outputs }),
  (error) => ({ error: error?.message ?? String(error) }),
);
console.log(JSON.stringify(answer));
