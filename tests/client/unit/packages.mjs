/** Finds TF.js where the bundler does: beside the validation page. */
const HOME = new URL("../../../pipeline/backends/web/package.json", import.meta.url).href;

/** A hook of Node's module loader: https://nodejs.org/api/module.html#resolvespecifier-context-nextresolve */
export const resolve = (specifier, context, next) =>
  next(specifier, specifier.startsWith("@tensorflow/") ? { ...context, parentURL: HOME } : context);
