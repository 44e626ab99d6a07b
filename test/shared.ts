// Where the development data lies beside a checkout (`../shared`); tests that use it skip where it is absent.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../shared/", import.meta.url));

/** Absolute path inside `../shared`, or undefined if it is not there. */
export function shared(...parts: readonly string[]): string | undefined {
  const path = ROOT + parts.join("/");
  return existsSync(path) ? path : undefined;
}

export const WHY_SKIPPED = "needs the real development data in ../shared, which is not part of the project";
