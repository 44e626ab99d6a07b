// `facehand serve` as a user starts it: the address, what is printed with it, and how it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PROGRAM } from "../../src/cli/version.ts";
import { runCli } from "./run.ts";

let root: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-serve-cli-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Starts it and waits for the address. */
async function start(...flags: readonly string[]) {
  const env = { ...process.env, PATH: root }; // no program that opens a browser
  const child = spawn(process.execPath, [PROGRAM, "serve", root, ...flags], { cwd: root, env });
  children.push(child);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  while (!out.includes("\n")) await once(child.stdout, "data");
  return { child, url: new URL(out.trim()), err: () => err };
}

describe("facehand serve", () => {
  it("prints one address, answers to it, writes no key into its log, and ends with 130 on Ctrl-C", async () => {
    const { child, url, err } = await start("--port", "0", "--log", "--open");
    const answer = await fetch(url, { redirect: "manual" });
    expect([answer.status, url.hostname]).toEqual([303, "127.0.0.1"]);
    const cookie = answer.headers.get("set-cookie")!.split(";")[0]!;
    const page = await fetch(new URL("/", url), { headers: { cookie } });
    expect(await page.text()).toContain('<div id="page">');
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number];
    expect(code).toBe(130);
    expect(err()).toContain("GET / 200");
    expect(err()).toContain("No browser could be opened: open the address by hand.");
    expect(err()).not.toContain(url.searchParams.get("token")!);
  });

  it("takes the next port where the first is taken, and says so", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { url, err } = await start("--port", String(port));
    expect(Number(url.port)).toBeGreaterThan(port);
    expect(err()).toContain(`Port ${port} is taken; using ${url.port}.`);
    other.close();
  });

  it("says what another address of the machine means", async () => {
    const { err } = await start("--port", "0", "--host", "0.0.0.0");
    expect(err()).toContain("Others on the network can reach 0.0.0.0");
  });

  it("refuses a folder of frames that is none", async () => {
    const { code, stderr } = await runCli("serve", root, "--hagrid", join(root, "none"));
    expect([code, stderr.split("\n")[0]]).toEqual([
      2,
      `Expected a folder for what is served, got "${join(root, "none")}"`,
    ]);
  });

  it("refuses what is no folder", async () => {
    const { code, stderr } = await runCli("serve", join(root, "none"));
    expect([code, stderr.split("\n")[0]]).toEqual([
      2,
      `Expected a folder for what is served, got "${join(root, "none")}"`,
    ]);
  });
});
