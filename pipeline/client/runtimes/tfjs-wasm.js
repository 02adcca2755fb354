/** TF.js graph models on its wasm backend. */
import { delivered } from "./delivered.js";
import * as backend from "./tfjs/wasm.js";
import * as graph from "./tfjs/graph.js";
import { opener, preparer } from "./tfjs/open.js";

export const { open, prepare } = delivered({
  open: opener(backend, graph),
  prepare: preparer(backend),
});
