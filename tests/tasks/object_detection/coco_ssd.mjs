/** Coco-SSD's own package answers, of the outputs given by standard input: [{outputs, size, max, threshold}]. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const { ObjectDetection } = require(join(process.argv[2], "dist/index.js"));

const answers = [];
for (const { outputs, size, max, threshold } of JSON.parse(readFileSync(0, "utf8"))) {
  const detector = new ObjectDetection("lite_mobilenet_v2");
  const tensors = [outputs.scores, outputs.boxes].map(({ shape, data }) => tf.tensor(data, shape));
  detector.model = { executeAsync: async () => tensors };
  answers.push(await detector.detect(tf.zeros([...size, 3], "int32"), max, threshold));
}
process.stdout.write(JSON.stringify(answers));
