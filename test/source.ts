// The sources of src as text: files, their imports, their exports. For tests about the shape of the code.
// Read with regular expressions anchored to line starts (TypeScript 7 has no JavaScript API); Biome keeps
// the formatting that they rely on.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
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
}

export interface Source {
  /** Path below src, with slashes. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[\w\s{},*$]+\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\("([^"]+)"\)/g;
/** Worker threads: `new URL("./worker.ts", import.meta.url)`. */
const THREAD = /new URL\("(\.[^"]+\.ts)",\s*import\.meta\.url\)/g;

/** Imports of a module's text; `file` is its path below src. */
export function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");
  const found = (specifier: string, typeOnly: boolean): Import => {
    const own = specifier.startsWith(".");
    const target = relative(SRC, resolve(SRC, dirname(file), specifier)).replaceAll("\\", "/");
    return { specifier, file: own ? target : undefined, typeOnly };
  };
  return [
    ...[...code.matchAll(STATIC)].map((m) => found(m[2]!, m[1] !== undefined)),
    ...[...code.matchAll(DYNAMIC), ...code.matchAll(THREAD)].map((m) => found(m[1]!, false)),
  ];
}

/** All modules of src but tests. */
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
    return [{ name: match[2]!, kind, documented: lines[i - 1]?.trimEnd().endsWith("*/") ?? false }];
  });
}
