/** Builds a project as its users would: `node build.mjs TOOL {project, entry, out, base, …}`. */
import { join } from "node:path";

const TOOLS = {
  /** @param {any} how */
  async webpack({ project, entry, out, base, mode = "production" }) {
    const { default: webpack } = await import("webpack");
    const output = { path: out, publicPath: base, filename: "app.js" };
    const stats = await new Promise((resolve, reject) =>
      webpack({ context: project, mode, entry, output }, (error, done) =>
        error ? reject(error) : resolve(done),
      ),
    );
    const { errors, warnings } = stats.toJson();
    return { errors, warnings };
  },

  async vite({ project, entry, out, base, mode = "production" }) {
    const { build } = await import("vite");
    const rollupOptions = { input: join(project, entry), output: { entryFileNames: "app.js" } };
    process.env.NODE_ENV = mode; // React has a build for each
    await build({
      root: project,
      base,
      mode,
      configFile: false,
      logLevel: "warn",
      build: { outDir: out, rollupOptions },
    });
  },

  async esbuild({ project, entries, out, format, minify = true }) {
    const { build } = await import("esbuild");
    const entryPoints = entries.map(([from, to]) => ({ in: join(project, from), out: to }));
    const { errors, warnings } = await build({
      entryPoints,
      bundle: true,
      minify,
      format,
      outdir: out,
      logLevel: "silent",
    });
    return { errors, warnings };
  },

  /** Serves instead of building, until it is ended. */
  async "vite-dev"({ project }) {
    const { createServer } = await import("vite");
    const server = await createServer({
      root: project,
      configFile: false,
      logLevel: "warn",
      server: { host: "127.0.0.1", port: 0 },
    });
    await server.listen();
    return { url: `http://127.0.0.1:${server.httpServer.address().port}` };
  },
};

const [tool, how] = process.argv.slice(2);
console.log(JSON.stringify((await TOOLS[tool](JSON.parse(how))) ?? {}));
