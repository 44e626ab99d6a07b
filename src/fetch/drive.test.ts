import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeDrive, startDrive } from "../../test/drive.ts";
import { hashOf, status } from "../../test/hub.ts";
import { Random } from "../core/random.ts";
import { openDrive } from "./drive.ts";
import { parseDriveLink } from "./drive-link.ts";
import { safeName } from "./names.ts";
import { fetchLink, type LinkOptions } from "./sets.ts";

const random = Random.of(2);
const BYTES = Uint8Array.from({ length: 20_000 }, () => random.int(256));
const ID = "1-bigBigBigBigBigBigBigBigBigBig";
const SMALL = "1_smallSmallSmallSmallSmallSmall";

const FOLDER = "1folderFolderFolderFolderFolder";
const INNER = "1innerInnerInnerInnerInnerInner";

let drive: FakeDrive;
let dir = "";
beforeEach(async () => {
  drive = await startDrive();
  drive.files.set(ID, { name: "Größe & mehr.zip", bytes: BYTES });
  drive.files.set(SMALL, { name: "train.csv", bytes: BYTES.subarray(0, 900) });
  dir = await mkdtemp(join(tmpdir(), "facehand-drive-"));
});
afterEach(async () => {
  await drive.close();
  await rm(dir, { recursive: true });
});

const get = (link: string, options: LinkOptions = {}) =>
  fetchLink(link, dir, { driveEndpoint: drive.endpoint, waitMs: 1, ...options });
const ranges = () => drive.asked.filter(({ range }) => range !== undefined).map(({ range }) => range);

describe("a file of Drive", () => {
  it("comes at once if it is small, under its owner's name", async () => {
    const { files } = await get(`drive:${SMALL}`);
    expect(files).toEqual([
      { name: "train.csv", sizeBytes: 900, sha256: hashOf(BYTES.subarray(0, 900)), kept: false },
    ]);
    expect(drive.asked[0]).toMatchObject({ path: "/uc", query: `?id=${SMALL}` });
    expect(drive.asked[0]!.agent).toMatch(/^Mozilla\/5\.0/);
  });

  it("comes through the form, with its hidden fields and the cookie, if Drive has not scanned it", async () => {
    const { files } = await get(`https://drive.google.com/file/d/${ID}/view?usp=sharing`);
    expect(files[0]).toMatchObject({ name: "Größe & mehr.zip", sha256: hashOf(BYTES) });
    const last = drive.asked.at(-1)!;
    expect(new URLSearchParams(last.query).get("uuid")).toBe("0-1-2");
  });

  it("continues after cuts, asking Drive again where the file is", async () => {
    drive.version = { etag: "v1" };
    drive.cuts.push(7000, 7000);
    const { files } = await get(`drive:${ID}`, { name: "x.zip" });
    expect(files[0]).toMatchObject({ name: "x.zip", sha256: hashOf(BYTES) });
    expect(ranges()).toEqual(["bytes=7000-", "bytes=14000-"]);
    expect(drive.asked.filter(({ path }) => path === "/uc").length).toBe(3);
  });

  it("begins again where only a date names its version: two versions may have one date", async () => {
    drive.cuts.push(7000);
    const other = BYTES.map((b) => b ^ 1);
    drive.tricks.push(() => {
      drive.files.set(ID, { name: "x.zip", bytes: other }); // behind the bytes that this request still gets
      return false;
    });
    expect((await get(`drive:${ID}`)).files[0]!.sha256).toBe(hashOf(other));
    expect(ranges()).toEqual([]);
  });

  it("continues without a name of its version where its hash is known, and begins again if that shows two versions", async () => {
    const sha256 = hashOf(BYTES);
    drive.cuts.push(7000);
    expect((await get(`drive:${ID}`, { name: "a", sha256 })).files[0]!.sha256).toBe(sha256);
    expect(ranges()).toEqual(["bytes=7000-"]);
    drive.cuts.push(7000);
    drive.files.set(ID, { name: "x.zip", bytes: BYTES.map((b) => b ^ 1) });
    drive.tricks.push(() => {
      drive.files.set(ID, { name: "x.zip", bytes: BYTES });
      return false;
    });
    expect((await get(`drive:${ID}`, { name: "b", sha256 })).files[0]!.sha256).toBe(sha256);
  });
});

describe("what Drive answers instead", () => {
  const TEXT = "Too many users have viewed or downloaded this file recently. Please try again later.";

  it("is a quota, passed on with what to do", async () => {
    drive.refusals.set(ID, { text: TEXT });
    const error = await get(`drive:${ID}`).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "remote", code: "DRIVE_QUOTA" });
    expect((error as Error).message).toMatch(
      /^Expected a file of Google Drive at http.*, got "Too many users have/,
    );
    expect(error).toMatchObject({ hint: expect.stringContaining("--mirror FOLDER") });
    expect(drive.asked.filter(({ path }) => path === "/uc").length).toBe(1);
  });

  it("is a quota in the middle of a download: the part stays", async () => {
    drive.version = { etag: "v1" };
    drive.cuts.push(7000);
    drive.tricks.push(() => {
      drive.refusals.set(ID, { text: TEXT });
      return false;
    });
    await expect(get(`drive:${ID}`, { name: "x.zip" })).rejects.toMatchObject({ code: "DRIVE_QUOTA" });
    expect(existsSync(join(dir, "x.zip"))).toBe(false);
    expect((await readFile(join(dir, "x.zip.part"))).byteLength).toBe(7000);
    drive.refusals.clear();
    expect((await get(`drive:${ID}`, { name: "x.zip" })).files[0]!.sha256).toBe(hashOf(BYTES));
    expect(ranges()).toEqual(["bytes=7000-"]);
  });

  it.each([
    ["DRIVE_REFUSED", { title: "Google Drive - Access denied", text: "You need permission.", status: 403 }],
    ["DRIVE_SIGN_IN", { title: "Google Drive: Sign-in", text: "" }],
    ["DRIVE_REFUSED", { title: "Something new", text: "" }],
  ])("is %s, %j", async (code, refusal) => {
    drive.refusals.set(ID, refusal);
    await expect(get(`drive:${ID}`, { name: "x" })).rejects.toMatchObject({ kind: "remote", code });
    expect(existsSync(join(dir, "x"))).toBe(false);
  });

  it("is a page without a title, or that there is no such file", async () => {
    drive.refusals.set(ID, { title: "", text: "" });
    await expect(get(`drive:${ID}`)).rejects.toThrow(/got a page without a reason \(status 200\)$/);
    await expect(get("drive:1-nothingnothingnothingnothing")).rejects.toThrow(
      /got "Error 404 \(Not Found\)!!1"$/,
    );
  });

  it("is a form for another file, which is not sent", async () => {
    const html = `<form id="download-form" action="/download"><input type="hidden" name="id" value="other"></form>`;
    drive.files.set(SMALL, { name: "x", bytes: new Uint8Array(1) });
    drive.tricks.push(status(200, { "content-type": "text/html" }, html));
    await expect(get(`drive:${SMALL}`, { name: "x" })).rejects.toThrow(
      /^Expected a form for the file 1_small/,
    );
  });

  it("is busy for a while", async () => {
    drive.tricks.push(status(429, { "retry-after": "0" }), status(500), status(503));
    expect((await get(`drive:${SMALL}`, { name: "x" })).files[0]!.sizeBytes).toBe(900);
    drive.tricks.push(...Array.from({ length: 3 }, () => status(500)));
    await expect(get(`drive:${SMALL}`, { name: "y", retries: 1 })).rejects.toMatchObject({
      code: "REMOTE_BUSY",
    });
  });
});

describe("a folder of Drive", () => {
  it("is listed with the folders in it, and fetched", async () => {
    drive.folders.set(FOLDER, [
      { id: ID, name: "a <b> & c.zip" },
      { id: INNER, name: "runs/2025", folder: true },
    ]);
    drive.folders.set(INNER, [
      { id: SMALL, name: "train.csv" },
      { id: FOLDER, name: "back", folder: true }, // a circle
    ]);
    const { files } = await get(`drive-folder:${FOLDER}`);
    expect(files.map(({ name }) => name)).toEqual(["a <b> & c.zip", "runs_2025/train.csv"]);
    expect(new Uint8Array(await readFile(join(dir, "runs_2025", "train.csv")))).toEqual(
      BYTES.subarray(0, 900),
    );
    const before = drive.asked.length;
    const again = await get(`https://drive.google.com/drive/folders/${FOLDER}?usp=sharing`);
    expect(again.files.every(({ kept }) => kept)).toBe(true);
    expect(drive.asked.length).toBe(before + 2); // the two listings
  });

  it("is refused if it is empty, unknown, or has one name twice", async () => {
    drive.folders.set(FOLDER, []);
    await expect(get(`drive-folder:${FOLDER}`)).rejects.toMatchObject({ code: "DRIVE_FOLDER" });
    await expect(get(`drive-folder:${INNER}`)).rejects.toMatchObject({ code: "DRIVE_REFUSED" });
    drive.folders.set(FOLDER, [
      { id: ID, name: "x" },
      { id: SMALL, name: "x" },
    ]);
    await expect(get(`drive-folder:${FOLDER}`)).rejects.toMatchObject({ code: "DRIVE_NAMES" });
    drive.folders.set(FOLDER, [{ id: ID, name: ".." }]);
    await expect(get(`drive-folder:${FOLDER}`)).rejects.toMatchObject({ code: "REMOTE_NAME" });
    await expect(get(`drive-folder:${FOLDER}`, { name: "x" })).rejects.toMatchObject({ code: "LINK" });
  });
});

describe("the key of an old link", () => {
  it("opens a file, through the form too, and when it continues", async () => {
    drive.keys.set(ID, "0-Key_1");
    await expect(get(`https://drive.google.com/file/d/${ID}/view`)).rejects.toMatchObject({ kind: "remote" });
    drive.version = { etag: "v1" };
    drive.cuts.push(7000);
    const { files } = await get(`https://drive.google.com/file/d/${ID}/view?usp=sharing&resourcekey=0-Key_1`);
    expect(files[0]).toMatchObject({ name: "Größe & mehr.zip", sha256: hashOf(BYTES) });
    expect(ranges()).toEqual(["bytes=7000-"]);
  });

  it("opens a folder, and files and folders in it have keys of their own", async () => {
    drive.folders.set(FOLDER, [
      { id: SMALL, name: "train.csv" },
      { id: INNER, name: "more", folder: true },
    ]);
    drive.folders.set(INNER, [{ id: ID, name: "a.zip" }]);
    for (const [id, key] of Object.entries({ [FOLDER]: "0-f", [INNER]: "0-i", [SMALL]: "0-s", [ID]: "0-b" }))
      drive.keys.set(id, key);
    const { files } = await get(`https://drive.google.com/folderview?id=${FOLDER}&resourcekey=0-f`);
    expect(files.map(({ name, sha256 }) => [name, sha256])).toEqual([
      ["train.csv", hashOf(BYTES.subarray(0, 900))],
      ["more/a.zip", hashOf(BYTES)],
    ]);
  });
});

describe("a list of a folder", () => {
  it("is asked for again where it is cut, and never taken for shorter than it is", async () => {
    drive.folders.set(FOLDER, [
      { id: ID, name: "a.zip" },
      { id: SMALL, name: "b.csv" },
    ]);
    drive.pageCuts.push(300, 300);
    const { files } = await get(`drive-folder:${FOLDER}`);
    expect(files.map(({ name }) => name)).toEqual(["a.zip", "b.csv"]);
    drive.pageCuts.push(300, 300);
    await expect(get(`drive-folder:${FOLDER}`, { retries: 1 })).rejects.toMatchObject({ code: "REMOTE_CUT" });
  });

  it("keeps the key of an old link out of the record", async () => {
    drive.keys.set(ID, "0-Key_1");
    await get(`drive:${ID}?resourcekey=0-Key_1`, { name: "x.zip" });
    expect(await readFile(join(dir, "fetched.json"), "utf8")).not.toContain("Key_1");
  });
});

describe("links and names", () => {
  it.each([
    ["drive:1-52CWGkVhs4k3uWtvAdSz7tvplSX0_84", { file: "1-52CWGkVhs4k3uWtvAdSz7tvplSX0_84" }],
    ["https://drive.google.com/uc?id=1-52CWGkVhs4&export=download", { file: "1-52CWGkVhs4" }],
    ["https://drive.usercontent.google.com/download?id=1-52CWGkVhs4", { file: "1-52CWGkVhs4" }],
    ["https://drive.google.com/drive/u/0/folders/1-52CWGkVhs4", { folder: "1-52CWGkVhs4" }],
    ["https://drive.google.com/drive/mobile/folders/1-52CWGkVhs4?usp=sharing", { folder: "1-52CWGkVhs4" }],
    ["https://drive.google.com/folderview?id=1-52CWGkVhs4&usp=sharing", { folder: "1-52CWGkVhs4" }],
    ["https://drive.google.com/embeddedfolderview?id=1-52CWGkVhs4#list", { folder: "1-52CWGkVhs4" }],
    ["https://drive.google.com/a/lab.org/folderview?id=1-52CWGkVhs4", { folder: "1-52CWGkVhs4" }],
    [
      "https://drive.google.com/drive/folders/1-52CWGkVhs4?resourcekey=0-AbC_d&usp=sharing",
      { folder: "1-52CWGkVhs4?resourcekey=0-AbC_d" },
    ],
    [
      "https://drive.google.com/file/d/1-52CWGkVhs4/view?usp=sharing&resourcekey=0-AbC_d",
      { file: "1-52CWGkVhs4?resourcekey=0-AbC_d" },
    ],
    ["drive:1-52CWGkVhs4?resourcekey=0-AbC_d", { file: "1-52CWGkVhs4?resourcekey=0-AbC_d" }],
    ["https://example.org/file/d/1-52CWGkVhs4/view", undefined],
    ["https://drive.google.com/", undefined],
    ["drive:../x", undefined],
  ])("%s", (link, wanted) => {
    expect(parseDriveLink(link)).toEqual(wanted);
  });

  it("are made safe, or refused", () => {
    expect(safeName(" a/b\\c\u0000d ")).toBe("a_b_c_d");
    for (const bad of ["", "..", ".", "x".repeat(300)])
      expect(() => safeName(bad)).toThrow(/^Expected a name .*for what is shared, got/);
  });

  it("are distinguished by what cannot be fetched", async () => {
    await expect(get("ftp://x/y")).rejects.toMatchObject({ kind: "input", code: "LINK" });
    await expect(get("https://example.org/%")).rejects.toThrow(
      /^Expected a name, which the address has not for --name/,
    );
    expect(openDrive().address("a b")).toBe("https://drive.google.com/uc?id=a%20b");
  });
});
