// Finds a Python that has the peer's libraries; the first on PATH that imports them is taken.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What each peer imports. */
export const TORCH = "torch, timm";
export const DLIB = "dlib, numpy, onnxruntime, PIL";

/**
 * @param asked - path of a Python; default: every python3 and python on PATH in turn
 * @param timm - folder of a timm checkout to put on Python's path
 * @param modules - what it has to import
 * @returns path of a Python that imports them, or why there is none
 */
export function findPython(
  asked?: string,
  timm?: string,
  modules = TORCH,
): { path: string } | { missing: string } {
  const candidates = asked === undefined ? onPath() : [asked];
  const program = `import sys; sys.path[:0] = sys.argv[1:]; import ${modules}`;
  let last = "no Python on PATH";
  for (const path of candidates) {
    const { status, stderr, error } = spawnSync(
      path,
      ["-c", program, ...(timm === undefined ? [] : [timm])],
      {
        encoding: "utf8",
      },
    );
    if (status === 0) return { path };
    last = error?.message ?? `${path}: ${stderr.trim().split("\n").at(-1)}`;
  }
  return { missing: last };
}

function onPath(): string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const files = folders.flatMap((folder) => [join(folder, "python3"), join(folder, "python")]);
  return [...new Set(files)].filter((file) => existsSync(file));
}
