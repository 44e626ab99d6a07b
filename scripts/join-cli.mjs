// Joins the command line's own files, one a verb, where dist/ is built: nobody imports them one by one, and npm packs fewer files.
// Everything outside of cli/ stays as it is, and is one module for the command line and for programs.
import * as fs from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Joins the files of `cli` below a built folder; esbuild is there once packages are installed. */
export async function joinCli(dist) {
  const { build } = await import("esbuild");
  const cli = resolve(dist, "cli");
  const joined = `${cli}-joined.tmp`;
  /** Of other rooms, by the way from cli/; of packages as they are. */
  const others = {
    name: "others",
    setup: ({ onResolve }) =>
      onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        if (!path.startsWith(".")) return { path, external: true };
        const place = resolve(dirname(importer), path);
        if (place.startsWith(cli + sep)) return undefined;
        return { path: relative(cli, place).replaceAll(sep, "/"), external: true };
      }),
  };
  await build({
    ...{ entryPoints: [join(cli, "main.js")], outdir: joined, bundle: true, splitting: true, format: "esm" },
    ...{
      platform: "node",
      target: "node20",
      chunkNames: "[name]-[hash]",
      plugins: [others],
      logLevel: "error",
    },
  });
  fs.rmSync(cli, { recursive: true });
  fs.renameSync(joined, cli);
}
