// No verb shows a secret of an address: not in messages, hints, JSON or the record, whatever is wrong with the address.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeDrive, startDrive } from "../drive.ts";
import { runCli } from "./run.ts";

const SECRET = "hunter2";
let drive: FakeDrive;
let dir = "";
beforeEach(async () => {
  drive = await startDrive();
  dir = await mkdtemp(join(tmpdir(), "facehand-secrets-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await drive.close();
  await rm(dir, { recursive: true });
});

const fetchIt = (...argv: readonly string[]) => runCli("data", "fetch", ...argv, "--out", join(dir, "out"));

describe("a secret in an address is not shown", () => {
  it.each([
    [
      [`https://me:${SECRET}@127.0.0.1:1/a.bin`],
      /^Expected an address without a name and password in it.*\nTry: download it/,
    ],
    [[`https://${SECRET}@127.0.0.1:1/a.bin`], /^Expected an address without a name and password/],
    [[`https://me:${SECRET}@127.0.0.1:1/folder/`], /^Expected an address without a name and password/],
    [[`http://me:${SECRET}@/a`], /^Expected an address that begins with/],
    [[`http://me:${SECRET}/x@127.0.0.1/a`], /^Expected an address that begins with/],
    [[`ftp://me:${SECRET}@127.0.0.1/a`], /^Expected a set's name, an http/],
    [[`me:${SECRET}@127.0.0.1/a`], /^Expected a set's name, an http/],
    [[`http://127.0.0.1:1/?access_token=${SECRET}`], /^Expected a name, which the address has not/],
    [[`http://127.0.0.1:1/x/?access_token=${SECRET}`], /^Expected a name, which the address has not/],
    [[`http://127.0.0.1:1/a?sig=${SECRET}`, "--mirror", "x"], /^Expected it only with derived-hagrid/],
    [[`http://127.0.0.1:1/a?sig=${SECRET}`, "--images", "512"], /^Expected it only with hagrid/],
    [
      ["metrics", "--mirror", `https://me:${SECRET}@127.0.0.1:1/`],
      /^Expected an address without a name and password/,
    ],
    [["metrics", "--mirror", `https://127.0.0.1:1/?token=${SECRET}`], /^Expected an address without a query/],
    [["metrics", "--mirror", `sftp://me:${SECRET}@127.0.0.1/`], /^Expected an existing folder or an address/],
    [
      ["http://127.0.0.1:1/a", "--name", `https://me:${SECRET}@x`],
      /^Expected a name without a colon.* for --name/,
    ],
    [["http://127.0.0.1:1/a", "--sha256", `token=${SECRET}`], /^Expected 64 hex digits/],
    [["http://127.0.0.1:1/a", `http://127.0.0.1:1/b?sig=${SECRET}`], /^Expected /],
    [["http://127.0.0.1:1/a", `--token=${SECRET}`], /^Expected a known flag/],
  ])("%j", async (argv, message) => {
    const { code, stdout, stderr } = await fetchIt(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain(SECRET);
  });

  it("by a fetch that comes, and by one that does not", async () => {
    drive.plain.set("/d/a.bin", Buffer.from("x"));
    const came = await fetchIt(`${drive.origin}/d/a.bin?X-Amz-Signature=${SECRET}`, "--json");
    expect(came.code).toBe(0);
    const badly = await fetchIt(`${drive.origin}/d/con?X-Amz-Signature=${SECRET}`);
    expect(badly.code).toBe(4);
    expect(badly.stderr).toMatch(
      /^Expected a name that is no device of Windows .*\nTry: give it a name of your own/,
    );
    expect(badly.stderr).not.toContain(SECRET);
    const missing = await fetchIt(`${drive.origin}/d/b.bin?X-Amz-Signature=${SECRET}`);
    expect(missing.code).toBe(4);
    const record = await readFile(join(dir, "out", "fetched.json"), "utf8");
    expect(`${came.stdout}${came.stderr}${missing.stdout}${missing.stderr}${record}`).not.toContain(SECRET);
  });

  it("by model fetch", async () => {
    vi.stubEnv("HF_ENDPOINT", `https://me:${SECRET}@127.0.0.1:1`);
    const { code, stderr } = await runCli(
      "model",
      "fetch",
      "test_efficientnet.r160_in1k",
      "--out",
      join(dir, "m"),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Expected an address without a name and password .* for HF_ENDPOINT/);
    expect(stderr).not.toContain(SECRET);
  });
});
