// Loads layers models in TF.js and runs them: node load_layers.mjs NODE_MODULES JOBS.json
// JOBS.json: [{folder, inputs: [{shape, dtype, data}], cut: layer name or null}]
// Prints, for each job: {outputs: [{shape, data}], cut: shape or null} or {error}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, jobsFile] = process.argv.slice(2);
const require = createRequire(join(modules, "anywhere.js"));
const tf = require("@tensorflow/tfjs");

/** A tf.io handler that reads model.json and the one weight file beside it. */
function folderHandler(folder) {
  return {
    async load() {
      const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
      const [group] = model.weightsManifest;
      const bytes = Buffer.concat(group.paths.map((path) => readFileSync(join(folder, path))));
      return {
        modelTopology: model.modelTopology,
        weightSpecs: group.weights,
        weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
      };
    },
  };
}

async function run({ folder, inputs, cut }) {
  const model = await tf.loadLayersModel(folderHandler(folder));
  const tensors = inputs.map(({ shape, dtype, data }) => tf.tensor(data, shape, dtype));
  const given = tensors.length === 1 ? tensors[0] : tensors;
  const outputs = [model.predict(given)].flat();
  const result = { outputs: outputs.map((t) => ({ shape: t.shape, data: [...t.dataSync()] })) };
  if (cut) {
    const part = tf.model({ inputs: model.inputs, outputs: model.getLayer(cut).output });
    result.cut = part.predict(given).shape;
  }
  return result;
}

const results = [];
await tf.setBackend("cpu");
for (const job of JSON.parse(readFileSync(jobsFile, "utf8"))) {
  results.push(await run(job).catch((error) => ({ error: error.message })));
}
console.log(JSON.stringify(results));
