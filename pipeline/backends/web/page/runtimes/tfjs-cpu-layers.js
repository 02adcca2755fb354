/** TF.js layers models on its cpu backend: to prove with, no release has it. */
import { delivered } from "../../../../client/runtimes/delivered.js";
import * as layers from "../../../../client/runtimes/tfjs/layers.js";
import { opener, preparer } from "../../../../client/runtimes/tfjs/open.js";
import * as backend from "./cpu.js";

export const { open, prepare } = delivered({
  open: opener(backend, layers),
  prepare: preparer(backend),
});
