// The public API: every export has a docstring, and every type that a signature names is exported beside it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./source.ts";

/** V8 as in the processes of tests (vitest.config.ts): most of the compiler's code runs a few times. */
const V8 = ["--interrupt-budget=500000", "--min-semi-space-size=16", "--initial-heap-size=512"];

/** What `npm run docs` would refuse. */
function check(...entries: readonly string[]) {
  const words = [...V8, join(ROOT, "scripts/docs.mjs"), "--check", ...entries];
  const side = spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" });
  return { status: side.status, output: side.stdout + side.stderr };
}

describe("what package.json exports", () => {
  it("is documented, and names no type that is not exported", () => {
    const { status, output } = check();
    expect(output).toBe("");
    expect(status).toBe(0);
  }, 300_000);
});

describe("this check itself", () => {
  let dir = "";
  beforeAll(() => {
    // Inside the checkout, so that packages are found; git ignores it.
    mkdirSync(join(ROOT, "cache"), { recursive: true });
    dir = mkdtempSync(join(ROOT, "cache", "api-"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it("sees a signature with an unexported type, and an export without a docstring", () => {
    writeFileSync(
      join(dir, "box.ts"),
      `/** A box. */
export interface Box { readonly side: number }
export interface Bare { readonly side: number }
/** A side. */
export function sideOf(box: Box): number { return box.side; }
`,
    );
    writeFileSync(join(dir, "entry.ts"), 'export { type Bare, sideOf } from "./box.ts";\n');
    // The types of pages and of Node would be read for nothing.
    const compilerOptions = { lib: ["es5"], types: [] };
    const config = { extends: "../../tsconfig.json", compilerOptions, include: ["."], exclude: [] };
    writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(config));
    const { status, output } = check(join(dir, "entry.ts"));
    expect(status).toBe(1);
    expect(output).toContain("is referenced by sideOf.box but not included in the documentation");
    expect(output).toMatch(/Bare \(Interface\).* does not have any documentation/);
  }, 120_000);
});
