/** TF.js layers models on its webgpu backend. */
import { delivered } from "./delivered.js";
import * as backend from "./tfjs/webgpu.js";
import * as layers from "./tfjs/layers.js";
import { opener, preparer } from "./tfjs/open.js";

export const { open, prepare } = delivered({
  open: opener(backend, layers),
  prepare: preparer(backend),
});
