/** ONNX models on ONNX Runtime's CPU kernels, in WebAssembly. */
import * as ort from "onnxruntime-web/wasm";
import { delivered } from "./delivered.js";
import { opener, preparer } from "./ort/open.js";

const provider = {
  NAME: "wasm",
  WASM: "ort-wasm-simd-threaded.wasm",
  prepare: async () => {},
  describe: async () => ({ described: {}, check: () => {} }),
};

export const { open, prepare } = delivered({
  open: opener(ort, provider),
  prepare: preparer(ort, provider),
});
