/** TF.js layers models on its webgl backend. */
import * as backend from './tfjs/webgl.js';
import * as layers from './tfjs/layers.js';
import { opener, preparer } from './tfjs/open.js';

export const prepare = preparer(backend);
export const open = opener(backend, layers);
