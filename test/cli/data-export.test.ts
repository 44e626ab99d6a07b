// `data export` and `data import` as commands. The round trips: src/dataset/export/export.test.ts; what Python's libraries read
// of an export: test/parity/exports.py.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPair } from "../dataset.ts";
import { layPictures } from "../pictures.ts";
import { runCli } from "./run.ts";

let root: string;
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-cli-export-"));
  await layPictures(at("set"), { train: [aPair("a", "anna")], val: [aPair("b", "ben")], test: [] });
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("facehand data export and import", () => {
  it("say what they wrote", async () => {
    const out = await runCli("data", "export", at("set"), "--webdataset", "--out", at("tar"));
    expect(out).toMatchObject({
      code: 0,
      stderr: `export: 2 pairs of ${at("set")} as webdataset, into ${at("tar")}\n`,
    });
    expect(out.stdout).toMatch(
      /^1 train, 1 val, 0 test pairs in .*tar \(webdataset, 4 files with their SHA-256/,
    );
    expect(await readFile(at("tar/README.md"), "utf8")).toContain("path: validation-*.tar");
    const back = await runCli("data", "import", at("tar"), "--out", at("back"), "--json");
    expect(JSON.parse(back.stdout)).toMatchObject({
      kind: "webdataset",
      pairs: { train: 1 },
      out: at("back"),
    });
    expect((await runCli("data", "check", at("back"))).code).toBe(0);
  });

  it("refuse no form, two forms, and folders in use", async () => {
    const none = await runCli("data", "export", at("set"), "--out", at("x"));
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(
      /^Expected one of --parquet, --webdataset and --imagefolder for data export, got nothing/,
    );
    const two = await runCli("data", "export", at("set"), "--parquet", "--webdataset", "--out", at("x"));
    expect(two.stderr).toContain('got "--parquet --webdataset"');
    const used = await runCli("data", "export", at("set"), "--parquet", "--out", at("tar"));
    expect(used.code).toBe(2);
    expect(used.stderr).toMatch(/^Expected a new or empty folder for --out, got /);
  });
});
