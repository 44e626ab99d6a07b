// The file that npm packs, for tests that install it: packed once for a state of what it holds, by whoever asks first.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sweepOld } from "../harden/bundle.ts";
import { ROOT } from "./source.ts";

/** A proxy that is not there, for everything that ONNX Runtime's script downloads; npm does not read these. */
const NO_OTHER_SERVER = { GLOBAL_AGENT_HTTP_PROXY: "http://127.0.0.1:9" };

/** An environment without what `npm test` hands down, which would make what runs part of this project. */
export function environment() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return { ...env, NODE_ENV: "", ...NO_OTHER_SERVER };
}

/** Runs npm in a folder. */
export function npm(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync("npm", args, {
    cwd,
    env: environment(),
    encoding: "utf8",
    shell: process.platform === "win32",
    maxBuffer: 64 << 20,
  });
  return { status, output: stdout + stderr, stdout };
}

/** What npm packed. */
export interface Packed {
  readonly path: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Packs the package as it is built. */
export async function packed(): Promise<Packed> {
  const all = join(ROOT, "node_modules", ".cache", "facehand-packed");
  const place = join(all, stateOf());
  if (!existsSync(place)) {
    mkdirSync(all, { recursive: true });
    await sweepOld(all);
    pack(all, place);
  }
  const [{ filename, ...rest }] = JSON.parse(readFileSync(join(place, "packed.json"), "utf8"));
  return { ...rest, path: join(place, filename) };
}

/** Whole or not at all; another process may have done the same by then. */
function pack(all: string, place: string): void {
  const fresh = mkdtempSync(join(all, "new-"));
  const { status, output, stdout } = npm(ROOT, "pack", "--json", "--pack-destination", fresh);
  if (status !== 0) throw new Error(output);
  writeFileSync(join(fresh, "packed.json"), stdout);
  try {
    renameSync(fresh, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
    rmSync(fresh, { recursive: true });
  }
}

/** Changes with whatever is packed. */
function stateOf(): string {
  const hash = createHash("sha256").update(readFileSync(join(ROOT, "package.json")));
  const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { files: string[] };
  for (const name of ["README.md", ...files.filter((name) => !/^(!|dist$)/.test(name)), "dist/.sources"]) {
    const path = join(ROOT, name);
    const inside = statSync(path).isDirectory() ? readdirSync(path).sort() : [""];
    for (const file of inside) hash.update(`${name}/${file}\0`).update(readFileSync(join(path, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
