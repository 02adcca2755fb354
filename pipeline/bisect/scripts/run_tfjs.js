// Runs model.json in TF.js.
/* global tf */

/** The backends that are not part of tf.es2017.min.js. */
const BACKENDS = {
  wasm: "tf-backend-wasm.es2017.min.js",
  webgpu: "tf-backend-webgpu.es2017.min.js",
};

function loadScript(src) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src });
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} could not be loaded`));
    document.head.append(script);
  });
}

/** What runs, and the model's one output as {data, shape}. */
export async function run({ backend, flags }, inputs) {
  await loadScript("tf.es2017.min.js");
  if (BACKENDS[backend]) await loadScript(BACKENDS[backend]);
  tf.env().setFlags(flags);
  await tf.setBackend(backend);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error(`TF.js fell back to ${tf.getBackend()}`);
  const model = await tf.loadGraphModel("model.json");
  const feeds = {};
  for (const [name, { data, shape, dtype }] of Object.entries(inputs)) {
    feeds[name] = tf.tensor(data, shape, dtype);
  }
  const output = await model.predictAsync(feeds);
  const runtime = `TF.js ${tf.version.tfjs} ${backend}`;
  return { runtime, output: { data: await output.data(), shape: output.shape } };
}
