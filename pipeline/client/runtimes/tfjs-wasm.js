/** TF.js graph models on its wasm backend. */
import * as backend from './tfjs/wasm.js';
import * as graph from './tfjs/graph.js';
import { opener, preparer } from './tfjs/open.js';

export const prepare = preparer(backend);
export const open = opener(backend, graph);
