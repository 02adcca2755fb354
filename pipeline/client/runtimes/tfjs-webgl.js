/** TF.js graph models on its webgl backend. */
import * as backend from './tfjs/webgl.js';
import * as graph from './tfjs/graph.js';
import { opener, preparer } from './tfjs/open.js';

export const prepare = preparer(backend);
export const open = opener(backend, graph);
