// Names that servers, addresses, lists and users choose: the same file everywhere and none of our own, or refused.
import { appendFileSync, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeDrive, startDrive } from "../../test/drive.ts";
import { hashOf } from "../../test/hub.ts";
import { fetchUnits } from "./fetch.ts";
import { parseMirror } from "./mirror.ts";
import { attachedName, safeName, urlName } from "./names.ts";
import { fetchCheckpoints, fetchLink, type LinkOptions } from "./sets.ts";
import { parseSums } from "./sums.ts";
import { unitOf } from "./unit.ts";

const ID = "1-bigBigBigBigBigBigBigBigBigBig";
const FOLDER = "1folderFolderFolderFolderFolder";
const INNER = "1innerInnerInnerInnerInnerInner";
/** Names that no server may give. */
const BAD = [
  "fetched.json",
  "FETCHED.JSON",
  "a.part",
  "a.part.json",
  "a.partial",
  ".a.1.tmp",
  ".fetch-1.lock",
].concat([
  ...[
    "con",
    "NUL.jpg",
    "com1.jpg",
    "LPT9.tar.gz",
    "aux",
    "a.",
    "a.jpg.",
    "..",
    "__proto__",
    "a\u202egpj.exe",
  ],
  ...["x".repeat(201), ".facehand-lock-x"],
]);

let drive: FakeDrive;
let dir = "";
beforeEach(async () => {
  drive = await startDrive();
  drive.version = { etag: "v1" };
  dir = await mkdtemp(join(tmpdir(), "facehand-names-"));
});
afterEach(async () => {
  await drive.close();
  await rm(dir, { recursive: true });
});

const out = () => join(dir, "out");
const get = (link: string, options: LinkOptions = {}) =>
  fetchLink(link, out(), { driveEndpoint: drive.endpoint, waitMs: 0, ...options });

describe("a name that is another file somewhere, or our own, is refused", () => {
  it.each(BAD)("in a header or page: %s", async (name) => {
    expect(() => safeName(name)).toThrow(/^Expected .* for what is shared, got /);
    drive.files.set(ID, { name, bytes: Buffer.from("x") });
    await expect(get(`drive:${ID}`)).rejects.toMatchObject({ kind: "remote", code: "REMOTE_NAME" });
    expect(existsSync(out())).toBe(false);
  });

  it.each(BAD.filter((name) => name !== ".."))("in an address: %s", async (name) => {
    const error = await get(`${drive.origin}/d/${encodeURIComponent(name)}?token=hunter2`).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: "REMOTE_NAME", hint: expect.stringContaining("--name") });
    expect(existsSync(out())).toBe(false);
    expect(drive.asked).toEqual([]);
  });

  it.each([...BAD, "../x", "/x", "a/../b", "a//b", "a\\b", "a:b", "a/con/b", ""])(
    "by --name: %j",
    async (name) => {
      const error = await get(`${drive.origin}/d/a.bin`, { name }).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "input", code: "NAME" });
      expect((error as Error).message).toMatch(/ for --name, got /);
      expect(existsSync(out())).toBe(false);
    },
  );

  it.each([...BAD, "a/b/fetched.json.part", "a/NUL/b", "a:b"])("in a list of hashes: %j", async (name) => {
    const list = `${"0".repeat(64)}  fine.bin\n${"0".repeat(64)}  ${name}\n`;
    expect(() => parseSums(list, "SHA256SUMS")).toThrow(/\(SHA256SUMS:2\)$/);
    drive.plain.set("/p/SHA256SUMS", Buffer.from(list));
    await expect(get(`${drive.origin}/p/`)).rejects.toMatchObject({ kind: "data", code: "SUMS_LINE" });
    expect(existsSync(join(out(), "fine.bin"))).toBe(false);
  });

  it.each(BAD)("in a shared folder: %s", async (name) => {
    drive.folders.set(FOLDER, [{ id: ID, name }]);
    drive.files.set(ID, { name, bytes: Buffer.from("x") });
    await expect(get(`drive-folder:${FOLDER}`)).rejects.toMatchObject({
      kind: "remote",
      code: "REMOTE_NAME",
    });
  });

  it("by whoever calls the library", async () => {
    const units = ["../x.bin", "fetched.json"].map((name) =>
      unitOf(name, { url: `${drive.origin}/d/a.bin` }),
    );
    for (const unit of units)
      await expect(fetchUnits([unit], out())).rejects.toMatchObject({ kind: "remote", code: "REMOTE_NAME" });
    expect(existsSync(out())).toBe(false);
  });

  it("but not one that only resembles it", async () => {
    for (const name of [
      "console.log",
      "part",
      "a.parts",
      "fetched.json.txt",
      "Größe & mehr.zip",
      "com10.jpg",
    ])
      expect(safeName(name)).toBe(name);
    expect(safeName("12:30 notes/a\u0000b.txt")).toBe("12_30 notes_a_b.txt");
  });
});

describe("two names that some system takes for one", () => {
  const TWINS: readonly (readonly [string, string])[] = [
    ["a.bin", "A.BIN"],
    ["\u00e9.bin", "e\u0301.bin"],
    ["stra\u00dfe", "STRASSE"],
    ["a\u200cb", "ab"],
    ["more", "More/x"],
    ["X/a", "x/b"],
  ];
  it.each(TWINS)("are refused in a list of hashes: %s and %s", async (...names) => {
    const list = names.map((name) => `${"0".repeat(64)}  ${name}\n`).join("");
    expect(() => parseSums(list, "SHA256SUMS")).toThrow(/\(SHA256SUMS:2\)$/);
  });

  it.each(TWINS)("are refused together: %s and %s", async (...names) => {
    const units = names.map((name) => unitOf(name, { url: `${drive.origin}/d/a.bin` }));
    await expect(fetchUnits(units, out())).rejects.toThrow(
      /^Expected names that every system keeps apart \(there is /,
    );
    expect(existsSync(out())).toBe(false);
  });

  it.each(TWINS.slice(0, 4))("are refused in a shared folder: %s and %s", async (...names) => {
    drive.folders.set(FOLDER, [
      { id: ID, name: names[0] },
      { id: INNER, name: names[1], folder: true },
    ]);
    drive.folders.set(INNER, []);
    await expect(get(`drive-folder:${FOLDER}`)).rejects.toMatchObject({ code: "DRIVE_NAMES" });
  });

  it("are refused in a mirror, and beside the list of hashes itself", async () => {
    const mirror = join(dir, "mirror");
    await mkdir(mirror);
    for (const name of ["a.pt", "A.pt"]) await writeFile(join(mirror, name), name);
    await expect(fetchCheckpoints(out(), "all", { mirror })).rejects.toMatchObject({ code: "REMOTE_NAME" });
    drive.plain.set("/p/SHA256SUMS", Buffer.from(`${"0".repeat(64)}  sha256sums\n`));
    await expect(get(`${drive.origin}/p/`)).rejects.toMatchObject({ code: "REMOTE_NAME" });
    expect(await readdir(out())).not.toContain("sha256sums");
  });
});

describe("names of headers", () => {
  const named = (value: string) => attachedName({ headers: new Headers({ "content-disposition": value }) });

  it("are read in UTF-8, and in Latin 1 where they are no UTF-8", () => {
    expect(named('attachment; filename="\u00c3\u00bc.zip"')).toBe("ü.zip");
    expect(named('attachment; filename="\u00fc.zip"')).toBe("ü.zip");
    expect(named("attachment; filename*=UTF-8''%C3%BC.zip; filename=\"x\"")).toBe("ü.zip");
  });

  it("are not what an address has without one", () => {
    expect(() => urlName("https://host/?token=hunter2")).toThrow(
      /^Expected a name, which the address has not for --name, got "https:\/\/host\/\?…"$/,
    );
  });
});

describe("a mirror", () => {
  it.each([
    ["https://me:hunter2@host/p/", "ADDRESS_USER"],
    ["https://host/p/?token=hunter2", "MIRROR"],
    ["https://host/p/#token=hunter2", "MIRROR"],
    ["https://", "ADDRESS"],
    ["ftp://me:hunter2@host/p/", "MIRROR"],
  ])("is not %s", async (text, code) => {
    const error = await parseMirror(text).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "input", code });
    expect((error as Error).message).not.toContain("hunter2");
  });

  const copy = (mirror: string, onProgress = () => {}) =>
    fetchUnits([unitOf("a.bin", { url: "mirror:" })], out(), { mirror, onProgress });

  it("whose file is a folder, or grows while it is copied, gives nothing", async () => {
    const mirror = join(dir, "mirror");
    const source = join(mirror, "a.bin");
    await mkdir(source, { recursive: true });
    await expect(copy(mirror)).rejects.toMatchObject({ kind: "data", code: "MIRROR_FILE" });
    await rm(source, { recursive: true });
    await writeFile(source, "x".repeat(1_000_000)); // more than is read ahead
    let grown = false;
    const grow = () => {
      if (!grown) appendFileSync(source, "y".repeat(100_000));
      grown = true;
    };
    await expect(copy(mirror, grow)).rejects.toMatchObject({ kind: "data", code: "MIRROR_CHANGED" });
    expect((await readdir(out())).filter((name) => name.startsWith("a.bin"))).toEqual([]);
    const { files } = await copy(mirror);
    expect(files[0]!.sha256).toBe(hashOf(Buffer.from(`${"x".repeat(1_000_000)}${"y".repeat(100_000)}`)));
  });
});
