/** TF.js layers models on its webgpu backend. */
import * as backend from './tfjs/webgpu.js';
import * as layers from './tfjs/layers.js';
import { opener, preparer } from './tfjs/open.js';

export const prepare = preparer(backend);
export const open = opener(backend, layers);
