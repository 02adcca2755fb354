/** ONNX models on ONNX Runtime's WebGPU kernels. */
import * as ort from "onnxruntime-web/webgpu";
import { delivered } from "./delivered.js";
import { opener, preparer } from "./ort/open.js";
import { describeDevice, requireAdapter, watchDevice } from "./webgpu.js";

const provider = {
  NAME: "webgpu",
  WASM: "ort-wasm-simd-threaded.asyncify.wasm",
  prepare: async () => void (await requireAdapter()),
  describe: async ({ env }) => {
    const device = await env.webgpu.device;
    return { described: await describeDevice(device), check: watchDevice(device) };
  },
};

export const { open, prepare } = delivered({
  open: opener(ort, provider),
  prepare: preparer(ort, provider),
});
