import { once } from "node:events";
import { mkdir, mkdtemp, open, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256File, writeAtomic, writeJson } from "../machine/files.ts";
import { fromErrno, REFUSALS, refusalOf } from "./errno.ts";
import { AppError, Interrupted } from "./errors.ts";

let dir = "";
const at = (name: string) => join(dir, name);
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-errno-"));
  await writeFile(at("file"), "x");
  await mkdir(at("folder"));
  await symlink(at("loop"), at("loop"));
});
afterAll(() => rm(dir, { recursive: true }));

const caught = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What the system itself refuses here, by code. */
const REFUSED: readonly (readonly [string, string, () => Promise<unknown>, RegExp])[] = [
  ["EISDIR", "write a folder", () => writeFile(at("folder"), "x"), /name of a file/],
  ["ENOTDIR", "make a folder below a file", () => mkdir(join(at("file"), "x")), /a file where a folder/],
  ["EEXIST", "make a folder in a file's place", () => mkdir(at("file")), /has this name/],
  ["ELOOP", "follow a loop", () => readFile(at("loop")), /symbolic link/],
  ["ENAMETOOLONG", "open a long name", () => open(at("n".repeat(300)), "w"), /255 bytes/],
  ["ENOTEMPTY", "replace a folder", () => renameOntoFull(), /another program/],
  ["ENOENT", "read nothing", () => readFile(at("none")), /check the path/],
];

async function renameOntoFull() {
  await mkdir(at("from"), { recursive: true });
  await mkdir(at("full/inner"), { recursive: true });
  return rename(at("from"), at("full"));
}

describe("fromErrno", () => {
  it.each(REFUSED)("reports %s with the path and what to do: %s", async (code, _, work, hint) => {
    const error = fromErrno(await caught(work())) as AppError;
    expect(error).toBeInstanceOf(AppError);
    expect([error.kind, error.code]).toEqual(["data", `SYSTEM_${code}`]);
    expect(error.message).toMatch(/^Expected to \w+ .*, got /);
    expect(error.message).toContain(dir);
    expect(error.hint).toMatch(hint);
  });

  it("recognises every code of the table in every kind of error", () => {
    for (const [code, { hint, ...more }] of Object.entries(REFUSALS)) {
      const own = Object.assign(new Error(`${code}: refused, write`), { code, syscall: "write", path: "/x" });
      const wrapped = new Error("Expected to continue", { cause: new Error("inner", { cause: own }) });
      const gathered = new AggregateError([new Error("other"), own], "both");
      const internal = new AppError("internal", "X", "a worker ended", { cause: own });
      const quoted = new Error(`A worker said ${code}: refused`);
      const worded = "words" in more ? [new Error(`unix error: ${more.words}`)] : [];
      for (const error of [own, wrapped, gathered, internal, quoted, ...worded]) {
        const found = fromErrno(error) as AppError;
        expect([found.code, found.kind, found.hint], String(error)).toEqual([`SYSTEM_${code}`, "data", hint]);
      }
      expect((fromErrno(wrapped) as AppError).message).toBe(
        `Expected to write /x, got ${code}: refused, write`,
      );
    }
  });

  it("adds the hint of the cause to a more specific error, and leaves an error with a hint alone", () => {
    const cause = Object.assign(new Error("EROFS: read-only"), { code: "EROFS" });
    const bare = new AppError("data", "READ_FAILED", "Expected a, got b", { cause, lines: ["c"] });
    const hinted = fromErrno(bare) as AppError;
    expect([hinted.message, hinted.code, hinted.hint]).toEqual([
      "Expected a, got b\n  c",
      "READ_FAILED",
      REFUSALS.EROFS.hint,
    ]);
    const whole = new AppError("data", "READ_FAILED", "Expected a, got b", { cause, hint: "own" });
    expect(fromErrno(whole)).toBe(whole);
  });

  it("leaves what is none of the system's", () => {
    const cyclic = new Error("a");
    cyclic.cause = cyclic;
    for (const error of [
      new Error("boom"),
      cyclic,
      new Interrupted("x"),
      "ENOSPC",
      undefined,
      new AppError("internal", "X", 'Expected a, got "ENOSPC: no space left on device"'), // a value of a file
      Object.assign(new Error("EPROGRAM"), { code: "EPROGRAM" }),
    ])
      expect(fromErrno(error)).toBe(error);
  });

  it("knows a name with the byte 0, which Node refuses", async () => {
    const error = fromErrno(await caught(readFile(at("a\0b")))) as AppError;
    expect([error.kind, error.code]).toEqual(["data", "FILE_NAME"]);
    expect(error.message).toMatch(/^Expected a name without the byte 0, got .*a\\x00b/);
  });

  it("knows what libvips and threads hand on", async () => {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });
    const vips = fromErrno(await caught(picture.png().toFile(at("folder")))) as AppError;
    expect(vips).toBeInstanceOf(AppError);
    expect(vips.kind).toBe("data");
    const worker = new Worker(`require("node:fs").readFileSync(${JSON.stringify(at("folder"))})`, {
      eval: true,
    });
    const [error] = await once(worker, "error");
    expect(refusalOf(error)?.code).toBe("EISDIR");
  });
});

describe("files", () => {
  it.each([
    [
      "a file where a folder has to be",
      () => writeJson(join(at("file"), "a/b.json"), 1),
      /a file where a folder/,
    ],
    ["a folder where a file has to be", () => writeAtomic(at("folder"), "x"), /name of a file/],
    ["a loop of links", () => writeAtomic(join(at("loop"), "x"), "x"), /symbolic link/],
    ["a long name", () => writeAtomic(at("n".repeat(300)), "x"), /255 bytes/],
    ["a folder that is hashed", () => sha256File(at("folder")), /name of a file/],
  ])("name path and cause: %s", async (_, work, hint) => {
    const error = (await caught(work())) as AppError;
    expect([error.kind, error.code]).toEqual(["data", expect.stringMatching(/^(WRITE|READ)_FAILED$/)]);
    expect(error.message).toContain(dir);
    expect(error.hint).toMatch(hint);
  });
});
