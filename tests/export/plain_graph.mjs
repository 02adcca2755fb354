// Calls a graph model in every way that TF.js has: node plain_graph.mjs NODE_MODULES MODEL.json INPUT.json
// INPUT.json: {name, shape, data, dtype} of the one input; float32 without a dtype.
// Prints {results: {way: data}, leaked: tensors left by the calls, left: tensors left by the model}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [modules, file, inputFile] = process.argv.slice(2);
const require = createRequire(join(modules, "anywhere.js"));
const tf = require("@tensorflow/tfjs");
const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");

setWasmPaths(`${join(modules, "@tensorflow/tfjs-backend-wasm/dist")}/`);
await tf.setBackend("wasm");

const { name, shape, data, dtype } = JSON.parse(readFileSync(inputFile, "utf8"));
const x = tf.tensor(data, shape, dtype);
const none = tf.memory().numTensors;
const model = await tf.loadGraphModel({
  load: () => {
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    return tf.io.getModelArtifactsForJSON(manifest, async (groups) => {
      const paths = groups.flatMap((group) => group.paths);
      const bytes = Buffer.concat(paths.map((path) => readFileSync(join(dirname(file), path))));
      const start = bytes.byteOffset;
      const content = bytes.buffer.slice(start, start + bytes.byteLength);
      return [groups.flatMap((group) => group.weights), content];
    });
  },
});
const loaded = tf.memory().numTensors;
const ways = {
  tidy: () => tf.tidy(() => model.predict(x)),
  tensor: () => model.predict(x),
  list: () => model.predict([x]),
  named: () => model.predict({ [name]: x }),
  execute: () => model.execute(x),
  nodes: () => model.execute({ [name]: x }, model.outputNodes),
};
const results = {};
for (const [way, call] of Object.entries(ways)) {
  const output = call();
  results[way] = [...output.dataSync()];
  output.dispose();
}
const leaked = tf.memory().numTensors - loaded;
model.dispose();
const left = tf.memory().numTensors - none;
console.log(JSON.stringify({ backend: tf.getBackend(), results, leaked, left }));
