/** TF.js layers models on its wasm backend. */
import * as backend from './tfjs/wasm.js';
import * as layers from './tfjs/layers.js';
import { opener, preparer } from './tfjs/open.js';

export const prepare = preparer(backend);
export const open = opener(backend, layers);
