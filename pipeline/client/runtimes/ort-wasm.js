/** ONNX models on ONNX Runtime's CPU kernels, in WebAssembly. */
import * as ort from 'onnxruntime-web/wasm';
import { delivered } from './delivered.js';
import { opener } from './ort/open.js';

const start = opener(ort, {
  NAME: 'wasm',
  WASM: 'ort-wasm-simd-threaded.wasm',
  prepare: async () => {},
  describe: async () => ({ described: {}, check: () => {} }),
});

export const { open, prepare } = delivered({ open: start });
