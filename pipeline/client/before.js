/** Releases of before: their code is read as today's. Loaded where such a one is. */
import { ModelError } from "./errors.js";

/** @param {any} code what a release brought: without methods, it gives scores, the highest first */
export const asNow = (code) => ({
  methods: {
    classify: (
      /** @type {any} */ outputs,
      /** @type {any} */ manifest,
      /** @type {{top?: number}} */ { top = 5 },
    ) => code.answer(outputs, manifest).slice(0, top),
  },
  sure: (/** @type {any} */ outputs, /** @type {any} */ manifest) =>
    code.answer(outputs, manifest)[0].score,
  ...code,
  inputOf(/** @type {[any, any, any, any]} */ ...all) {
    const [, , , { region, rotation }] = all;
    if (region || rotation)
      throw new ModelError(
        "input",
        "this release was published before models read a region of an image or turned it: leave region and rotation out, or build and publish it again",
      );
    return code.inputOf(...all);
  },
});
