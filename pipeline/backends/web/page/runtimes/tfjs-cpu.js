/** TF.js graph models on its cpu backend: to prove with, no release has it. */
import { delivered } from "../../../../client/runtimes/delivered.js";
import * as graph from "../../../../client/runtimes/tfjs/graph.js";
import { opener, preparer } from "../../../../client/runtimes/tfjs/open.js";
import * as backend from "./cpu.js";

export const { open, prepare } = delivered({
  open: opener(backend, graph),
  prepare: preparer(backend),
});
