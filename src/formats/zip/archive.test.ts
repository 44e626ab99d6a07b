import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import yazl from "yazl";
import { codeArgs, moduleOf } from "../../../test/process.ts";
import { writeZip, type ZipPart } from "../../../test/zips.ts";
import { Interrupted } from "../../core/errors.ts";
import { placeAnnotations, placeFrame, placeImage } from "../../dataset/layout.ts";
import { readTree } from "../../machine/tree.ts";
import { type UnpackOptions, unpackZip } from "./archive.ts";
import { ARCHIVE_LIMITS } from "./archive-entries.ts";

let dir = "";
let archive = "";
let out = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-archive-"));
  archive = join(dir, "a.zip");
  out = join(dir, "out");
});
afterEach(() => rm(dir, { recursive: true }));

const unpack = (options: UnpackOptions = {}) => unpackZip(archive, out, options);

/** An archive by yazl, an independent writer. */
async function pack(fill: (zip: yazl.ZipFile) => void, options?: yazl.EndOptions): Promise<void> {
  const zip = new yazl.ZipFile();
  const written = finished(zip.outputStream.pipe(createWriteStream(archive)));
  fill(zip);
  zip.end(options);
  await written;
}

async function refuses(code: string, message: RegExp, options: UnpackOptions = {}): Promise<void> {
  const error = await unpack(options).catch((e: unknown) => e);
  expect(error).toMatchObject({ kind: "data", code });
  expect((error as Error).message).toMatch(message);
  expect(await readdir(dir)).toEqual(["a.zip"]); // nothing beside it, in particular no `out`
}

describe("unpackZip", () => {
  it("writes stored and deflated entries, and counts what it left out", async () => {
    await pack((zip) => {
      zip.addBuffer(Buffer.from("face"), "content/aligned_dataset/faces/F_1.jpg", { compress: false });
      zip.addBuffer(Buffer.from("hand ".repeat(500)), "content/aligned_dataset/hands/H_1.jpg");
      zip.addEmptyDirectory("content/aligned_dataset/empty");
      zip.addBuffer(Buffer.from("x"), "__MACOSX/content/aligned_dataset/faces/F_1.jpg");
      zip.addBuffer(Buffer.from("x"), "content/aligned_dataset/faces/.DS_Store");
    });
    const progress: number[][] = [];
    const tree = await unpack({ place: placeImage, onProgress: (...at) => progress.push(at) });
    expect(tree).toMatchObject({ files: 2, bytes: 2504, leftOut: 2 });
    expect(await readFile(join(out, "content/aligned_dataset/faces/F_1.jpg"), "utf8")).toBe("face");
    expect(await readFile(join(out, "content/aligned_dataset/hands/H_1.jpg"), "utf8")).toBe(
      "hand ".repeat(500),
    );
    expect(await readdir(join(out, "content/aligned_dataset"))).toEqual(["faces", "hands"]);
    expect(progress.at(-1)).toEqual([2504, 2504]);
  });

  it("reads zip64 archives, whose sizes stand in fields of their own", async () => {
    await pack(
      (zip) => {
        zip.addReadStream(Readable.from([Buffer.alloc(3_000_000, 7)]), "big/a.bin", {
          forceZip64Format: true,
          compress: false,
        });
        zip.addBuffer(Buffer.from("b"), "big/b.bin", { forceZip64Format: true });
      },
      { forceZip64Format: true, comment: "" },
    );
    expect((await readFile(archive)).includes(Buffer.from("PK\x06\x06", "latin1"))).toBe(true); // its end record
    expect(await unpack()).toMatchObject({ files: 2, bytes: 3_000_001 });
    expect((await readFile(join(out, "big", "a.bin"))).every((b) => b === 7)).toBe(true);
  });

  it("has a digest that readTree finds again, and that any change moves", async () => {
    await pack((zip) => {
      for (const name of ["b/2", "a/1", "c"]) zip.addBuffer(Buffer.from(name), name);
    });
    const { leftOut, ...tree } = await unpack();
    expect(leftOut).toBe(0);
    expect(await readTree(out)).toEqual(tree);
    await writeFile(join(out, "b", "2"), "b/3");
    expect((await readTree(out)).digest).not.toBe(tree.digest);
    await writeFile(join(out, "b", "2"), "b/2");
    expect(await readTree(out)).toEqual(tree);
    await writeFile(join(out, "b", "more"), "");
    expect((await readTree(out)).digest).not.toBe(tree.digest);
  });

  it("replaces what an earlier attempt left", async () => {
    await mkdir(out);
    await writeFile(join(out, "old"), "x");
    await pack((zip) => zip.addBuffer(Buffer.from("new"), "new"));
    await unpack();
    expect(await readdir(out)).toEqual(["new"]);
  });

  it("stops at the signal, leaving nothing", async () => {
    await pack((zip) => zip.addBuffer(Buffer.alloc(900_000, 1), "a", { compress: false }));
    const stop = new AbortController();
    await expect(unpack({ signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(
      Interrupted,
    );
    expect(existsSync(out)).toBe(false);
  });

  it("names an absent archive, and one that is none", async () => {
    await expect(unpack()).rejects.toMatchObject({ code: "FILE_MISSING" });
    await writeFile(archive, "<html>Quota exceeded</html>".repeat(10));
    await refuses("ZIP_DAMAGED", /^Expected a complete zip archive for .*a\.zip, got .*quota is exceeded/);
  });
});

const zeros = "\0".repeat(3_000_000);

describe("an archive is refused", () => {
  it.each<[string, string, ZipPart[], RegExp]>([
    ["ARCHIVE_PATH", "a path that climbs out", [{ name: "../a", text: "x" }], /names inside the archive/],
    ["ARCHIVE_PATH", "an absolute path", [{ name: "/tmp/a", text: "x" }], /names inside the archive/],
    [
      "ARCHIVE_PATH",
      "a drive's path",
      [{ name: "a/C:/b", text: "x" }],
      /^Expected a name inside the archive/,
    ],
    ["ARCHIVE_PATH", "backslashes", [{ name: "..\\a", text: "x" }], /names inside the archive/],
    ["ARCHIVE_PATH", "a control character", [{ name: "a\u0001b", text: "x" }], /^Expected a name inside/],
    ["ARCHIVE_PATH", "an empty part", [{ name: "a//b", text: "x" }], /^Expected a name inside the archive/],
    ["ARCHIVE_PATH", "a dot", [{ name: "a/./b", text: "x" }], /^Expected a name inside the archive/],
    [
      "ARCHIVE_PATH",
      "a long name",
      [{ name: "n".repeat(300), text: "x" }],
      /^Expected a name inside the archive/,
    ],
    [
      "ARCHIVE_LINK",
      "a symbolic link",
      [{ name: "a", text: "/etc/passwd", mode: 0o120777 }],
      /got "a link or device/,
    ],
    [
      "ARCHIVE_LINK",
      "a device",
      [{ name: "a", mode: 0o020666 }],
      /^Expected a plain file or folder for entry/,
    ],
    [
      "ARCHIVE_METHOD",
      "encryption",
      [{ name: "a", text: "x".repeat(13), size: 1, encrypted: true }],
      /got "encryption"/,
    ],
    ["ARCHIVE_METHOD", "unknown compression", [{ name: "a", text: "x", method: 14 }], /got "method 14"/],
    [
      "ARCHIVE_BOMB",
      "one entry's ratio",
      [{ name: "a", text: zeros, deflate: true }],
      /^Expected at most 200 times/,
    ],
    ["ZIP_DAMAGED", "a wrong CRC", [{ name: "a", text: "hello", crc: 1 }], /^Expected CRC-32 1 in a/],
    [
      "ZIP_DAMAGED",
      "more than declared",
      [{ name: "a", text: "y".repeat(90), deflate: true, size: 9 }],
      /complete zip/,
    ],
    ["ZIP_DAMAGED", "less than declared", [{ name: "a", text: "y", deflate: true, size: 9 }], /complete zip/],
    [
      "ARCHIVE_NAME",
      "one name twice",
      [
        { name: "a", text: "x" },
        { name: "a", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "a file as a folder",
      [
        { name: "a", text: "x" },
        { name: "a/b", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "a folder as a file",
      [
        { name: "a/b", text: "x" },
        { name: "a", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "one name in two cases",
      [
        { name: "a/B.jpg", text: "x" },
        { name: "a/b.JPG", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "one name in two normalisations",
      [
        { name: "\u00e9", text: "x" },
        { name: "e\u0301", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "one folder in two cases",
      [
        { name: "A/x", text: "x" },
        { name: "a/y", text: "x" },
      ],
      /^Expected names that every system keeps apart \(there is .* before\) for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name con.jpg",
      [{ name: "con.jpg", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a/NUL",
      [{ name: "a/NUL", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name COM1",
      [{ name: "COM1", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a.",
      [{ name: "a.", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a ",
      [{ name: "a ", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a/bc:d",
      [{ name: "a/bc:d", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name fetched.json",
      [{ name: "fetched.json", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a/b.part",
      [{ name: "a/b.part", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name a\\u202eb",
      [{ name: "a\u202eb", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    [
      "ARCHIVE_NAME",
      "the name __proto__",
      [{ name: "__proto__", text: "x" }],
      /^Expected (a|another) name.* for an entry, got/,
    ],
    ["ARCHIVE_EMPTY", "nothing in it", [{ name: "a/" }], /^Expected the wanted files .*"0 other entries"/],
  ])("%s: %s", async (code, _what, parts, message) => {
    await writeZip(archive, parts);
    await refuses(code, message);
  });

  it("ARCHIVE_BOMB: entries that share their bytes", async () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ name: `e${i}`, text: "z".repeat(2000), sameAs: 0 }));
    await writeZip(archive, [{ name: "first", text: "z".repeat(2000) }, ...many]);
    await refuses("ARCHIVE_BOMB", /^Expected at most \d+ packed bytes for/);
  });

  it("ARCHIVE_BOMB: beyond the limits of entries and bytes", async () => {
    await writeZip(
      archive,
      ["a", "b", "c"].map((name) => ({ name, text: "12345" })),
    );
    await refuses("ARCHIVE_BOMB", /at most 2 entries/, { limits: { ...ARCHIVE_LIMITS, entries: 2 } });
    await refuses("ARCHIVE_BOMB", /at most 14 bytes unpacked/, { limits: { ...ARCHIVE_LIMITS, bytes: 14 } });
  });

  it("ZIP_DAMAGED: cut off anywhere", async () => {
    await pack((zip) => zip.addBuffer(Buffer.from("hello ".repeat(100)), "a"));
    const whole = await readFile(archive);
    for (const length of [0, 21, Math.floor(whole.length / 2), whole.length - 1]) {
      await writeFile(archive, whole.subarray(0, length));
      await refuses("ZIP_DAMAGED", /complete zip archive/);
    }
  });

  it("where two places are one", async () => {
    await writeZip(
      archive,
      ["x/a.jpg", "y/a.jpg"].map((name) => ({ name, text: name })),
    );
    await refuses("ARCHIVE_NAME", /keeps apart/, { place: placeFrame("palm", false) });
  });

  it("and nothing is written through a link that lies in the way", async () => {
    await mkdir(join(dir, "victim"));
    await symlink(join(dir, "victim"), out);
    await writeZip(archive, [{ name: "a", text: "x" }]);
    await unpack();
    expect(await readdir(join(dir, "victim"))).toEqual([]);
    expect((await stat(out)).isDirectory()).toBe(true);
  });
});

describe("memory", () => {
  it("does not grow with the archive: 10,000 entries and an entry of 200 MB", {
    timeout: 120_000,
  }, async () => {
    await pack((zip) => {
      const noise = Buffer.alloc(1 << 20, "0123456789abcdef");
      zip.addReadStream(
        Readable.from(
          (function* () {
            for (let i = 0; i < 200; i++) yield noise;
          })(),
        ),
        "big",
        { compress: false },
      );
      for (let i = 0; i < 10_000; i++)
        zip.addBuffer(Buffer.from(String(i)), `s/${i % 100}/${i}`, { compress: false });
    });
    const code = `const { unpackZip } = await import(${moduleOf("formats/zip/archive.ts")});
      const { peakBytes } = await import(${moduleOf("machine/peak-memory.ts")});
      const tree = await unpackZip(...JSON.parse(process.argv[1]));
      console.log(JSON.stringify([tree.files, tree.bytes, peakBytes() / 1024]));`;
    const args = ["--max-old-space-size=64", ...codeArgs(code)];
    const child = execFileSync(process.execPath, [...args, JSON.stringify([archive, out])], {
      encoding: "utf8",
    });
    const [files, bytes, kilobytes] = JSON.parse(child) as number[];
    expect([files, bytes]).toEqual([10_001, 200 * (1 << 20) + 38_890]);
    expect(kilobytes!).toBeLessThan(200_000); // less than the one entry, Node and tsx included
  });
});

describe("killed", () => {
  it("in the middle, it begins again to the same tree", { timeout: 60_000 }, async () => {
    await pack((zip) => {
      for (let i = 0; i < 1500; i++) zip.addBuffer(Buffer.from(`file ${i}`), `d/${i}`);
    });
    const code = `const { unpackZip } = await import(${moduleOf("formats/zip/archive.ts")});
      await unpackZip(...JSON.parse(process.argv[1]));`;
    const args = codeArgs(code, JSON.stringify([archive, out]));
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    while (!existsSync(join(out, "d", "50")) && child.exitCode === null)
      await new Promise((r) => setTimeout(r, 1));
    child.kill("SIGKILL");
    await ended;
    expect((await readdir(join(out, "d"))).length).toBeLessThan(1500);
    const { leftOut: _, ...tree } = await unpack();
    expect(tree.files).toBe(1500);
    expect(await readTree(out)).toEqual(tree);
  });
});

describe("places", () => {
  it.each([
    ["content/aligned_dataset/faces/F_1.jpg", "content/aligned_dataset/faces/F_1.jpg"],
    ["content/content/aligned_dataset/hands/H_1.jpg", "content/aligned_dataset/hands/H_1.jpg"],
    ["aligned_dataset/hands/H_1.jpg", "content/aligned_dataset/hands/H_1.jpg"],
    ["content/aligned_dataset/readme.txt", undefined],
    ["not_aligned_dataset/faces/F_1.jpg", undefined],
  ])("of images: %s", (entry, wanted) => {
    expect(placeImage(entry)).toBe(wanted);
  });

  it.each([
    ["annotations/train/palm.json", "train/palm.json"],
    ["val/palm.json", "val/palm.json"],
    ["annotations/train/.ipynb_checkpoints/palm-checkpoint.json", undefined],
    ["annotations/readme.json", undefined],
  ])("of annotations: %s", (entry, wanted) => {
    expect(placeAnnotations(entry)).toBe(wanted);
  });

  it.each([
    ["palm/1.jpg", "1.jpg", "1.jpg"],
    ["HaGRIDv2_dataset_512/palm/1.jpg", "1.jpg", "1.jpg"],
    ["HaGRIDv2_dataset_512/stop/1.jpg", "1.jpg", undefined],
    ["1.jpg", "1.jpg", undefined],
    ["palm/._1.jpg", undefined, undefined],
    ["palm/1.txt", undefined, undefined],
  ])("of frames: %s", (entry, own, mixed) => {
    expect([placeFrame("palm", false)(entry), placeFrame("palm", true)(entry)]).toEqual([own, mixed]);
  });
});
