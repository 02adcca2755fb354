/**
 * Loads a published model by its URL and runs it where this device runs it best.
 *
 *     import { load } from "model-pipeline-client";
 *     const model = await load("https://cdn.example/mobilenet/latest.json");
 *     const top = await model.classify(document.querySelector("img"), { top: 5 });
 *
 * As the npm package has it; what is published beside models is cdn/index.js.
 */
import { loading } from "./load.js";

export { LoadError, ModelError } from "./errors.js";

// In these words webpack, Vite, Rollup and Parcel know a file to copy: one that needs no bundling.
export const load = loading(() => new URL("./model-pipeline-worker.js", import.meta.url));
