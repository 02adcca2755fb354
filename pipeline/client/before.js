/** Releases of before methods: their code gives scores, the highest first. Loaded where such a one is. */

/** @param {any} code what a release brought */
export const asNow = (code) => ({
  ...code,
  methods: {
    classify: (
      /** @type {any} */ outputs,
      /** @type {any} */ manifest,
      /** @type {{top?: number}} */ { top = 5 },
    ) => code.answer(outputs, manifest).slice(0, top),
  },
  sure: (/** @type {any} */ outputs, /** @type {any} */ manifest) =>
    code.answer(outputs, manifest)[0].score,
});
