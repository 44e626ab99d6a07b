// `facehand data fetch` as a command: a published layout made from the drawn sample, from a mirror and from a server
// that behaves like Google Drive; kill -9.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import yazl from "yazl";
import { PUBLISHED } from "../../src/fetch/published.ts";
import { type FakeDrive, startDrive } from "../drive.ts";
import { codeArgs, moduleOf } from "../process.ts";
import { laySample } from "../sample.ts";
import { ROOT } from "../source.ts";
import { runCli } from "./run.ts";

let dir = "";
let drive: FakeDrive;
const at = (...names: string[]) => join(dir, ...names);
const fetchIt = (...argv: string[]) => runCli("data", "fetch", ...argv);

/** What a folder shows; the lock of a fetch stays there, hidden. */
const shownIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => !name.startsWith(".fetch-")).sort();

/** Zips a folder below a prefix, as upstream did. */
async function zipFolder(folder: string, prefix: string, path: string): Promise<void> {
  const zip = new yazl.ZipFile();
  const written = finished(zip.outputStream.pipe(createWriteStream(path)));
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    if ((await stat(join(folder, name))).isFile()) zip.addFile(join(folder, name), `${prefix}/${name}`);
  }
  zip.end();
  await written;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-data-fetch-"));
  drive = await startDrive();
  await laySample(at("raw"), { subjects: 14, framesPerSubject: 2, seed: 5 });
  const faces = ["--face-landmarks", at("raw", "face_landmarks.json"), "--size", "64"];
  const derived = await runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--out", at("pairs"), ...faces],
  );
  expect(derived.code, derived.stderr).toBe(0);
  await mkdir(at("mirror"));
  for (const { name } of PUBLISHED.derivedHagrid.csv) await copyFile(at("pairs", name), at("mirror", name));
  const images = at("pairs", "images", "content", "aligned_dataset");
  await zipFolder(images, "content/aligned_dataset", at("mirror", "aligned_dataset.zip"));
  const { images: zip, csv } = PUBLISHED.derivedHagrid;
  for (const { name, from } of [zip, ...csv]) {
    const bytes = await readFile(at("mirror", name));
    if ("drive" in from) drive.files.set(from.drive, { name, bytes });
    drive.plain.set(`/m/${name}`, bytes);
  }
});
afterAll(async () => {
  await drive.close();
  await rm(dir, { recursive: true });
});

/** What `data show` prints about a folder, without its name. */
async function shown(folder: string): Promise<unknown> {
  const { code, stdout, stderr } = await runCli("data", "show", folder, "--json");
  expect(code, stderr).toBe(0);
  const { splits, head } = JSON.parse(stdout);
  return { splits, head };
}

describe("facehand data fetch derived-hagrid", () => {
  it("ends with a dataset that data show reads, from a folder", async () => {
    const { code, stdout, stderr } = await fetchIt(
      "derived-hagrid",
      "--mirror",
      at("mirror"),
      "--out",
      at("a"),
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^train\.csv {2}0\.0 MB {2}SHA-256 [0-9a-f]{64} {2}fetched$/m);
    expect(stdout).toMatch(/^images\/ {2}\d+ files, \d\.\d MB {2}fetched$/m);
    expect(stdout).toContain(`next  facehand data show ${at("a")}`);
    expect(await shownIn(at("a"))).toEqual(["fetched.json", "images", "test.csv", "train.csv", "val.csv"]);
    expect(await shown(at("a"))).toEqual(await shown(at("pairs")));
    const again = await fetchIt("derived-hagrid", "--mirror", at("mirror"), "--out", at("a"));
    expect(again.stdout.match(/as it was fetched before/g)!.length).toBe(4);
  });

  it("the same from Drive, through its form, with cuts and a busy server between", async () => {
    drive.cuts.push(...Array.from({ length: 6 }, () => 5000));
    const { code, stderr } = await fetchIt(
      "derived-hagrid",
      "--drive-endpoint",
      drive.endpoint,
      "--out",
      at("b"),
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(await shown(at("b"))).toEqual(await shown(at("pairs")));
    const { files } = JSON.parse(await readFile(at("b", "fetched.json"), "utf8"));
    expect(files["aligned_dataset.zip"].from).toBe("drive:1-52CWGkVhs4k3uWtvAdSz7tvplSX0_84");
  });

  it("the same from an address; and what the published unzip step leaves is read too", async () => {
    const mirror = `${drive.origin}/m`;
    const { code } = await fetchIt("derived-hagrid", "--mirror", mirror, "--out", at("c"), "--json");
    expect(code).toBe(0);
    const wanted = await shown(at("pairs"));
    expect(await shown(at("c"))).toEqual(wanted);
    await mkdir(at("c", "images", "content", "content"));
    const aligned = (...more: string[]) => at("c", "images", "content", ...more, "aligned_dataset");
    await rename(aligned(), aligned("content"));
    expect(await shown(at("c"))).toEqual(wanted);
    await zipFolder(aligned("content"), "content/content/aligned_dataset", at("mirror", "doubled.zip"));
    await mkdir(at("mirror2"));
    for (const { name } of PUBLISHED.derivedHagrid.csv)
      await copyFile(at("mirror", name), at("mirror2", name));
    await rename(at("mirror", "doubled.zip"), at("mirror2", "aligned_dataset.zip"));
    expect((await fetchIt("derived-hagrid", "--mirror", at("mirror2"), "--out", at("d"))).code).toBe(0);
    expect(await shown(at("d"))).toEqual(wanted);
  });

  it("says what is wrong with a dataset once all of it is there", async () => {
    await mkdir(at("mirror3"));
    for (const name of await readdir(at("mirror"))) await copyFile(at("mirror", name), at("mirror3", name));
    await copyFile(at("mirror", "train.csv"), at("mirror3", "val.csv"));
    const { code, stderr } = await fetchIt("derived-hagrid", "--mirror", at("mirror3"), "--out", at("e"));
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^Expected an id that is not already at .*; \d+ such rows or files in all\nTry: all files are/,
    );
    expect(existsSync(at("e", "images"))).toBe(true);
  });

  it("continues after kill -9, wherever it was", { timeout: 60_000 }, async () => {
    drive.cuts.length = 0;
    const argv = ["data", "fetch", "derived-hagrid", "--drive-endpoint", drive.endpoint, "--out", at("k")];
    const zip = at("k", "aligned_dataset.zip.part");
    const moments = [
      async () => existsSync(zip) && (await stat(zip)).size > 0, // the server sends no more than its beginning
      async () => existsSync(at("k", "images.partial")), // or it is done already, which is as good
    ];
    drive.stall = 20_000;
    for (const moment of moments) {
      const { child, ended } = fetcher(argv);
      while (!(await moment()) && child.exitCode === null) await new Promise((r) => setTimeout(r, 1));
      child.kill("SIGKILL");
      await ended;
      drive.stall = undefined;
    }
    expect((await fetchIt(...argv.slice(2))).code).toBe(0);
    expect(await shown(at("k"))).toEqual(await shown(at("pairs")));
    expect(await shownIn(at("k"))).toEqual(["fetched.json", "images", "test.csv", "train.csv", "val.csv"]);
  });
});

/** The command line in a process of its own. */
function fetcher(argv: readonly string[]) {
  const code = `const { run } = await import(${moduleOf("cli/main.ts")});
    process.exitCode = await run(JSON.parse(process.argv[1]));`;
  const child = spawn(process.execPath, codeArgs(code, JSON.stringify(argv)), {
    cwd: ROOT,
    stdio: "ignore",
  });
  return { child, ended: new Promise((resolve) => child.once("exit", resolve)) };
}

describe("two fetches into one folder", () => {
  it("are one too many; a killed one does not count", { timeout: 60_000 }, async () => {
    drive.cuts.length = 0;
    const argv = ["derived-hagrid", "--drive-endpoint", drive.endpoint, "--out", at("two")];
    drive.stall = 20_000;
    const { child, ended } = fetcher(["data", "fetch", ...argv]);
    while (!existsSync(at("two", "aligned_dataset.zip.part"))) await new Promise((r) => setTimeout(r, 5));
    const second = await fetchIt(...argv);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(
      new RegExp(
        `^Expected the folder .*two to be free, got process ${child.pid} on .* that works on it since`,
      ),
    );
    child.kill("SIGKILL");
    await ended;
    drive.stall = undefined;
    expect((await fetchIt(...argv)).code).toBe(0);
    expect(await shown(at("two"))).toEqual(await shown(at("pairs")));
  });
});

describe("facehand data fetch", () => {
  it("passes on what Drive says, with exit code 4", async () => {
    const id = PUBLISHED.metrics.from;
    if ("drive" in id)
      drive.refusals.set(id.drive, { text: "Too many users have viewed or downloaded this file recently." });
    const { code, stderr } = await fetchIt("metrics", "--drive-endpoint", drive.endpoint, "--out", at("m"));
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^Expected a file of Google Drive at .*, got "Too many users .*"\nTry: wait, Drive lifts/,
    );
  });

  it("explains itself with examples", async () => {
    const { stdout } = await fetchIt("--help");
    for (const text of [
      "derived-hagrid",
      "drive-folder:ID",
      "--mirror",
      "facehand data fetch checkpoints --best-umcc",
    ])
      expect(stdout).toContain(text);
    expect(stdout).not.toContain("--drive-endpoint");
  });

  it.each([
    [["metrics", "--best-umcc"], /^Expected it only with checkpoints for --best-umcc, got "metrics"/],
    [["metrics", "--images", "512"], /^Expected it only with hagrid for --images, got "metrics"/],
    [["https://example.org/x", "--mirror", "."], /^Expected it only with derived-hagrid, .* for --mirror/],
    [["metrics", "--name", "x"], /^Expected it only with a link for --name/],
    [["checkpoints", "--best-umcc", "--best-mag"], /^Expected one of them, or neither for all/],
    [["hagrid"], /^Expected gestures for --gestures, got nothing\nTry: --gestures call,dislike,fist/],
    [["hagrid", "--gestures", "palm,wave"], /^Expected one of call, .* for --gestures, got "wave"/],
    [
      ["derived"],
      /^Expected a set's name, an http\(s\) address, a folder, hf:datasets\/USER\/NAME, drive:ID or drive-folder:ID for what to fetch/,
    ],
    [["metrics", "--mirror", "/nowhere"], /^Expected an existing folder or an address/],
    [["metrics", "--jobs", "0"], /^Expected a whole number from 1 to 16 for --jobs/],
  ])("refuses %j", async (argv, message) => {
    const { code, stdout, stderr } = await fetchIt(...argv, "--out", at("none"));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(existsSync(at("none"))).toBe(false);
  });
});
