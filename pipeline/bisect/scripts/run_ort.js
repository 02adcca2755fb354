// Runs model.onnx in ONNX Runtime Web.

/** What runs, and the model's one output as {data, shape}. */
export async function run({ backend }, inputs) {
  const ort = await import(`./ort.${backend}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL(".", import.meta.url).href;
  const session = await ort.InferenceSession.create("model.onnx", {
    executionProviders: [backend],
  });
  const feeds = {};
  for (const [name, { data, shape, dtype }] of Object.entries(inputs)) {
    feeds[name] = new ort.Tensor(dtype, data, shape);
  }
  const [output] = Object.values(await session.run(feeds));
  const runtime = `ONNX Runtime Web ${ort.env.versions.web} ${backend}`;
  return { runtime, output: { data: output.data, shape: output.dims } };
}
