// The sources of src as text: files, their imports, their exports. For tests about the shape of the code.
// Read with regular expressions anchored to line starts (TypeScript 7 has no JavaScript API); Biome keeps
// the formatting that they rely on.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SRC = join(ROOT, "src");

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path below src, if it is a file of ours. */
  readonly file: string | undefined;
  /** Erased by the compiler. */
  readonly typeOnly: boolean;
  /** The entry of a thread or a process, which may import the module that starts it. */
  readonly started: boolean;
}

export interface Source {
  /** Path below src, with slashes. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[\w\s{},*$]+\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\("([^"]+)"\)/g;
/** Threads and processes: `new URL("./worker", import.meta.url)`, whose ending is that of the sources or of dist/. */
const THREAD = /new URL\("(\.[^"]*)",\s*import\.meta\.url\)/g;

/** Imports of a module's text; `file` is its path below src. */
export function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");
  const found = (specifier: string, typeOnly: boolean, started = false): Import => {
    const own = specifier.startsWith(".");
    const path = relative(SRC, resolve(SRC, dirname(file), specifier)).replaceAll("\\", "/");
    const target = extname(path) === "" ? `${path}.ts` : path; // of AssemblyScript, of threads and processes
    return { specifier, file: own ? target : undefined, typeOnly, started };
  };
  const entries = [...code.matchAll(THREAD)]
    .map((m) => found(m[1]!, false, true))
    .filter(({ file: entry }) => entry!.endsWith(".ts") && existsSync(join(SRC, entry!))); // else read, or a folder
  return [
    ...[...code.matchAll(STATIC)].map((m) => found(m[2]!, m[1] !== undefined)),
    ...[...code.matchAll(DYNAMIC)].map((m) => found(m[1]!, false)),
    ...entries,
  ];
}

/** The comment at a module's head. */
export function headOf(text: string): string {
  return /^(?:#!.*\n)?((?:\/\/.*\n)*)/.exec(text)![1]!;
}

/** True if a module states at its head that browsers may load it. */
export function isBrowserSafe({ text }: Pick<Source, "text">): boolean {
  return headOf(text).startsWith("// ◇ Browser-safe. ");
}

/** All modules of src but tests, those of pixels/fast/simd among them. */
export function readSources(): Source[] {
  const names = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => /\.tsx?$/.test(name) && !/\.(test|tmp)\.tsx?$/.test(name))
    .sort()
    .map((file) => {
      const text = readFileSync(join(SRC, file), "utf8");
      return { file, text, imports: importsOf(file, text) };
    });
}

/** Text of a file of the repository, or undefined if there is none. */
export function readIfThere(path: string): string | undefined {
  const full = join(ROOT, path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

export interface Exported {
  readonly name: string;
  readonly kind: "function" | "class" | "const" | "interface" | "type";
  readonly documented: boolean;
}

const EXPORT = /^export (?:declare )?(?:async )?(function|class|const|interface|type)\*? (\w+)/;

/** Declarations that a module exports, and whether a docstring stands right above each. */
export function exportsOf(text: string): Exported[] {
  const lines = text.split("\n");
  return lines.flatMap((line, i) => {
    const match = EXPORT.exec(line);
    if (match === null) return [];
    const kind = match[1] as Exported["kind"];
    const above = lines[i - 1] === "@inline" ? lines[i - 2] : lines[i - 1];
    return [{ name: match[2]!, kind, documented: above?.trimEnd().endsWith("*/") ?? false }];
  });
}
