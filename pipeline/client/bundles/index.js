/** The client as it is published beside models: the page and its worker are this one file. */
import { NAME } from "../link.js";
import { loading } from "../load.js";
import { work } from "../work.js";

export { LoadError, ModelError } from "../errors.js";

export const load = loading(() => new URL("./index.js", import.meta.url));

/** @type {any} */
const scope = globalThis;
if (scope.name === NAME && !scope.document) work(scope);
