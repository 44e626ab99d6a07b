// Export, import, bundle and retraction killed with -9: nothing half-written under the name of the result, and the same bytes after
// the next run. They begin again: 15,064 pairs take less than three minutes (docs/derivation.md). Fetch: data-fetch.test.ts.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/machine/files.ts";
import { aPair } from "../dataset.ts";
import { layPictures } from "../pictures.ts";
import { codeArgs, moduleOf } from "../process.ts";
import { ROOT } from "../source.ts";
import { runCli } from "./run.ts";

let root = "";
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-killed-"));
  const pairs = Array.from({ length: 120 }, (_, n) => aPair(`p${n}`, `s${n % 90}`));
  await layPictures(at("set"), { train: pairs, val: [aPair("v", "vera")], test: [aPair("w", "will")] });
  expect((await runCli("data", "export", at("set"), "--parquet", "--out", at("shards"))).code).toBe(0);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function snapshot(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return Promise.all(
    files.sort().map(async (path) => `${path.slice(dir.length)} ${sha256(await readFile(path))}`),
  );
}

/** Starts a command and kills it some time after its staging folder appears; false if it was done before. */
async function killed(argv: readonly string[], out: string, afterMs: number): Promise<boolean> {
  const code = `const { run } = await import(${moduleOf("cli/main.ts")});
    process.exitCode = await run(JSON.parse(process.argv[1]));`;
  const args = codeArgs(code, JSON.stringify([...argv, "--out", out]));
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  while (!existsSync(`${out}.partial`) && child.exitCode === null) await sleep(1);
  await sleep(afterMs);
  child.kill("SIGKILL");
  await ended;
  return child.signalCode === "SIGKILL";
}

const BUNDLE = ["--licence", "hagrid", "--release", "1.0.0", "--date", "2026-11-24", "--creator", "N"];
const COMMANDS = {
  "data export --parquet": () => ["data", "export", at("set"), "--parquet", "--shard-mb", "1"],
  "data export --webdataset": () => ["data", "export", at("set"), "--webdataset", "--shard-mb", "1"],
  "data export --imagefolder": () => ["data", "export", at("set"), "--imagefolder"],
  "data import": () => ["data", "import", at("shards")],
  "release retract": () => ["release", "retract", at("set"), "--subject", "s3"],
  "release bundle": () => ["release", "bundle", at("set"), ...BUNDLE, "--url", "https://example.org/p"],
} as const;

describe.each(Object.entries(COMMANDS))("%s, killed", (name, argv) => {
  it("leaves nothing half-written, and ends with the same bytes", { timeout: 60_000 }, async () => {
    const [out, reference] = [at(`${name} out`), at(`${name} reference`)];
    expect((await runCli(...argv(), "--out", reference)).code).toBe(0);
    if (await killed(argv(), out, 5)) expect(existsSync(out)).toBe(false);
    else await rm(out, { recursive: true }); // it was done before
    const again = await runCli(...argv(), "--out", out);
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/^(export|import|pack|retract): [\d,]+ (pairs|images) of .*, into .*\n$/);
    expect(await snapshot(out)).toEqual(await snapshot(reference));
    expect((await readdir(root)).filter((entry) => entry.endsWith(".partial"))).toEqual([]);
  });
});
