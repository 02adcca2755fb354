/** What a worker of this client does. */
import { webgl } from "./device.js";
import { serve } from "./serve.js";

/** @param {any} scope the worker's own */
export const work = (scope) => {
  serve(scope);
  // Most releases have artifacts for it; where there is no canvas, who needs it learns so.
  if (scope.OffscreenCanvas) webgl();
};
