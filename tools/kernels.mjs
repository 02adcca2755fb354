// Writes which kernels the pinned TF.js has on each backend, and which its operators ask for:
// node tools/kernels.mjs (make kernels). All of it is read from the installed packages.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const WEB = join(dirname(fileURLToPath(import.meta.url)), "../pipeline/backends/web");
const MODULES = join(WEB, "node_modules");
const BACKENDS = ["cpu", "wasm", "webgl", "webgpu"];
const OPS = join(MODULES, "@tensorflow/tfjs-core/dist/ops");
const EXECUTORS = join(MODULES, "@tensorflow/tfjs-converter/dist/operations/executors");
const require = createRequire(join(MODULES, "anywhere.js"));

/** @param {string} name of a package */
const versionOf = (name) =>
  JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")).version;

/** @returns {Record<string, string[]>} backend -> the kernels that it registers */
function registered() {
  const core = require("@tensorflow/tfjs-core");
  for (const name of BACKENDS) require(`@tensorflow/tfjs-backend-${name}`);
  const names = (/** @type {string} */ backend) =>
    core.getKernelsForBackend(backend).map((/** @type {any} */ kernel) => kernel.kernelName);
  return Object.fromEntries(BACKENDS.map((backend) => [`tfjs-${backend}`, names(backend).sort()]));
}

/** @returns {Record<string, string>} function of TF.js, as in `image.resizeBilinear` -> its file */
function files() {
  /** @type {Record<string, string>} */
  const found = {};
  const index = readFileSync(join(OPS, "ops.js"), "utf8");
  for (const [, names, path] of index.matchAll(/export \{([^}]*)\} from '(\.[^']+)'/g)) {
    for (const name of names.split(",")) found[lastWord(name)] = join(OPS, `${path}.js`);
  }
  const imports = [...index.matchAll(/import \{ (\w+) \} from '(\.[^']+)'/g)];
  const places = Object.fromEntries(imports.map(([, name, path]) => [name, path]));
  for (const [, group, body] of index.matchAll(/const (\w+) = \{([^}]*)\};/g)) {
    for (const name of body.split(",").map(lastWord)) {
      if (places[name]) found[`${group}.${name}`] = join(OPS, `${places[name]}.js`);
    }
  }
  return found;
}

/** @param {string} text */
const lastWord = (text) => text.trim().split(/\s+/).pop() ?? "";

/** @type {Map<string, Set<string>>} */
const read = new Map();

/**
 * The kernels that a function runs, and those that it calls.
 * @param {string} file
 * @returns {Set<string>}
 */
function kernelsOf(file) {
  const before = read.get(file);
  if (before) return before;
  /** @type {Set<string>} */
  const found = new Set();
  read.set(file, found);
  if (!existsSync(file)) return found;
  const text = readFileSync(file, "utf8");
  for (const [, name] of text.matchAll(/runKernel\((\w+)/g)) found.add(name);
  for (const [, path] of text.matchAll(/import \{[^}]*\} from '(\.[^']+)'/g)) {
    const other = join(dirname(file), `${path}.js`);
    if (!other.startsWith(OPS) || /_util|operation\.js/.test(other)) continue;
    for (const name of kernelsOf(other)) found.add(name);
  }
  return found;
}

/** @returns {Record<string, string[]>} operator of TensorFlow -> the kernels that it may run */
function operators() {
  const places = files();
  /** @type {Record<string, string[]>} */
  const found = {};
  for (const name of readdirSync(EXECUTORS).filter((name) => name.endsWith("_executor.js"))) {
    const cases = readFileSync(join(EXECUTORS, name), "utf8")
      .split(/case '/)
      .slice(1);
    let together = [];
    for (const part of cases) {
      together.push(part.slice(0, part.indexOf("'")));
      const body = part.slice(part.indexOf(":") + 1);
      if (!body.trim()) continue;
      const called = [...body.matchAll(/ops\.((?:\w+\.)?\w+)/g)].map(([, called]) => called);
      const kernels = new Set(called.flatMap((name) => [...kernelsOf(fileOf(places, name))]));
      for (const operator of together) found[operator] = [...kernels].sort();
      together = [];
    }
  }
  return Object.fromEntries(Object.entries(found).sort());
}

/**
 * @param {Record<string, string>} places
 * @param {string} called as in `image.resizeBilinearAsync`
 */
const fileOf = (places, called) =>
  places[called] ??
  places[called.replace(/Async$/, "")] ??
  places[called.split(".").pop() ?? ""] ??
  places[called.split(".")[0]] ??
  "";

const packages = ["core", "converter", ...BACKENDS.map((name) => `backend-${name}`)];
const versions = Object.fromEntries(
  packages.map((name) => [`@tensorflow/tfjs-${name}`, versionOf(`@tensorflow/tfjs-${name}`)]),
);
const content = { versions, kernels: registered(), operators: operators() };
const target = process.argv[2] ?? join(WEB, "kernels.json");
writeFileSync(target, `${JSON.stringify(content, null, 1)}\n`);
