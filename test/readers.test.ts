// Every reader, given something that is not what it reads: the hint names the cause that the bytes show, whatever stage
// of the reader stumbles over it. The stand-ins are what people really have: pointers, pages, sidecars, archives, halves.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../src/core/errors.ts";
import { locate } from "../src/dataset/layout.ts";
import { readFairface } from "../src/dataset/sources/fairface.ts";
import { readUtkface } from "../src/dataset/sources/utkface.ts";
import { readAnnotations } from "../src/derive/hagrid/annotations.ts";
import { streamEntries } from "../src/derive/hagrid/records.ts";
import { createSession } from "../src/engine/runtime/open-session.ts";
import { predictionFiles } from "../src/evaluate/stored/prediction-folder.ts";
import { copyFromFolder } from "../src/fetch/mirror.ts";
import { readCsv, readCsvHeader } from "../src/formats/csv.ts";
import { decodeModel } from "../src/formats/onnx.ts";
import { readParquet } from "../src/formats/parquet/parquet.ts";
import { readRows } from "../src/formats/parquet/rows.ts";
import { encodeParquet } from "../src/formats/parquet/write.ts";
import { encodeSafetensors, parseSafetensors } from "../src/formats/safetensors.ts";
import { readSafetensors } from "../src/formats/safetensors-file.ts";
import { readTar } from "../src/formats/tar.ts";
import { readTflite } from "../src/formats/tflite.ts";
import { readStateDict } from "../src/formats/torch/torch.ts";
import { encodeTorch } from "../src/formats/torch/write.ts";
import { unpackZip } from "../src/formats/zip/archive.ts";
import { openZip } from "../src/formats/zip/zip.ts";
import { readBytes, readJson } from "../src/machine/files.ts";
import { decodeImage, encodeJpeg, encodePng, imageSize } from "../src/pixels/image.ts";
import { readStudyFile } from "../src/studies/plan/file.ts";
import { writeZip } from "./zips.ts";

const dir = mkdtempSync(join(tmpdir(), "facehand-readers-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const all = async (rows: AsyncIterable<unknown>) => {
  for await (const _ of rows);
};

/** Reads a file as a user's command would; `text` are readers that take text. */
const READERS: Readonly<Record<string, { read: (path: string) => Promise<unknown>; text?: true }>> = {
  "a picture": { read: (path) => decodeImage(path) },
  "the size of a picture": { read: imageSize },
  "a picture's bytes": {
    read: async (path) => decodeImage(new Uint8Array(await readBytes(path, "x")), { name: path }),
  },
  "a CSV table": { read: (path) => all(readCsv(path, ["id"], { allowOthers: true })), text: true },
  "a CSV header": { read: readCsvHeader, text: true },
  JSON: { read: (path) => readJson(path, z.strictObject({ a: z.number() }), "a list"), text: true },
  "HaGRID's annotations": { read: (path) => all(streamEntries(path, "HaGRID annotations")), text: true },
  "a study (YAML)": { read: readStudyFile, text: true },
  safetensors: { read: readSafetensors },
  "safetensors' bytes": { read: async (path) => parseSafetensors(await readBytes(path, "x"), path) },
  "a .pt file": { read: readStateDict },
  ONNX: { read: async (path) => decodeModel(await readBytes(path, "x"), path) },
  "ONNX that ONNX Runtime opens": {
    read: async (path) => createSession(new Uint8Array(await readBytes(path, "x")), { where: path }),
  },
  TFLite: { read: async (path) => readTflite(await readBytes(path, "x"), path) },
  Parquet: { read: (path) => readParquet(path, { id: "string" }) },
  "rows of Parquet": { read: (path) => all(readRows(path, { id: "string" })) },
  "a zip archive": { read: openZip },
  "a zip archive to unpack": { read: (path) => unpackZip(path, join(dir, "unpacked")) },
  "a tar archive": { read: (path) => all(readTar(path, 1000)) },
  "a file of a mirror": { read: (path) => copyFromFolder(path, join(dir, "copied"), { sizeBytes: 3 }) },
};

const lfs = (size: number) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${"ab".repeat(32)}\nsize ${size}\n`;
const html = (title: string, body = "") =>
  `<!DOCTYPE html><html><head><title>${title}</title></head><body>${body}</body></html>`;
const QUOTA = html(
  "Google Drive - Quota exceeded",
  '<p class="uc-error-caption">Sorry, you can&#39;t view or download this file at this time.</p><p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>',
);

/** What stands in for the file, the words for it in the message, the words of the hint. */
const STAND_INS: readonly (readonly [name: string, bytes: string | Uint8Array, got: string, hint: string])[] =
  [
    ["a Git LFS pointer", lfs(9123), "a Git LFS pointer to a file of 9123 bytes", "git lfs pull"],
    ["a git-annex pointer", "/annex/objects/SHA256E-s9--ab.jpg\n", "git-annex pointer", "git annex get"],
    ["Drive's quota page", QUOTA, "quota is exceeded", "within a day"],
    [
      "Drive's page before large files",
      html("Google Drive - Virus scan warning"),
      "before it sends a large file",
      "data fetch",
    ],
    ["a sign-in page", html("Sign in - Google Accounts"), "a sign-in page", "needs an account"],
    [
      "a page",
      `\n<html lang="en"><head><title>404: no such file</title>`,
      "a web page (",
      "a web page was saved",
    ],
    ["a page with a mark", `\ufeff<!doctype HTML><title>x</title>`, "a web page (", "a web page was saved"],
    [
      "an error of S3",
      `<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>`,
      "AccessDenied",
      "saved",
    ],
    ["nothing", "", "an empty file", "nothing was stored"],
    ["an AppleDouble sidecar", "\0\x05\x16\x07\0\x02\0\0Mac OS X        ", "AppleDouble", "begin with ._"],
    [".DS_Store", "\0\0\0\x01Bud1\0\0\x10\0", ".DS_Store", "remove it"],
    [
      "Thumbs.db",
      Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0),
      "Thumbs.db",
      "remove Thumbs.db",
    ],
    ["desktop.ini", "[.ShellClassInfo]\r\nIconResource=x\r\n", "desktop.ini", "remove it"],
    [
      "desktop.ini in UTF-16",
      Buffer.from("\ufeff[.ShellClassInfo]\r\n", "utf16le"),
      "desktop.ini",
      "remove it",
    ],
    ["zeros", new Uint8Array(5000), "zeros", "not finished"],
    ["a gzip file", gzipSync("x"), "a gzip file", "gunzip"],
  ];

describe.each(Object.entries(READERS))("%s", (reader, { read, text }) => {
  const fault = async (bytes: string | Uint8Array): Promise<AppError> => {
    const path = join(dir, "x");
    writeFileSync(
      path,
      typeof bytes === "string" ? Buffer.from(bytes, /[\ufeff]/.test(bytes) ? "utf8" : "latin1") : bytes,
    );
    const error = await read(path).then(
      () => expect.fail("was read"),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  };

  it.each(STAND_INS)("names %s", async (name, bytes, got, hint) => {
    if (reader === "a file of a mirror" && name === "a gzip file") return; // may be what was published
    const error = await fault(bytes);
    expect(error.message).toContain(got);
    expect(error.hint).toContain(hint);
    expect(["data", "input", "remote"]).toContain(error.kind);
  });

  it.runIf(text === true)("names UTF-16", async () => {
    const error = await fault(Buffer.from(`\ufeff{"a": 1}`, "utf16le"));
    expect(error.message).toContain("UTF-16");
    expect(error.hint).toContain("UTF-8");
  });

  it.runIf(text === undefined && reader !== "a file of a mirror")("names text", async () => {
    const error = await fault("404: Not Found");
    expect(error.message).toContain("text:");
    expect(error.message).toContain("404: Not Found");
  });
});

describe("a file that is cut off", () => {
  const pixels = {
    width: 64,
    height: 64,
    data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) % 251),
  };
  const tensor = { name: "a", shape: [1000], dtype: "float32", data: new Uint8Array(4000) } as const;
  const rows = Array.from({ length: 500 }, (_, i) => `person ${i}`);
  const files: Readonly<Record<string, () => Uint8Array | Promise<Uint8Array>>> = {
    "a picture": () => encodePng(pixels),
    "a picture's bytes": () => encodeJpeg(pixels),
    safetensors: () => encodeSafetensors([tensor]),
    "a .pt file": () => encodeTorch([tensor]),
    Parquet: () => encodeParquet({ id: "string" }, { id: rows }),
    "rows of Parquet": () => encodeParquet({ id: "string" }, { id: rows }),
    JSON: () => Buffer.from(JSON.stringify({ a: rows })),
    "HaGRID's annotations": () =>
      Buffer.from(JSON.stringify(Object.fromEntries(rows.map((row) => [row, { row }])))),
    "a zip archive": async () => {
      const path = await writeZip(join(dir, "whole.zip"), [{ name: "a.txt", text: "x".repeat(3000) }]);
      return readFileSync(path);
    },
  };

  it.each(Object.entries(files))("is reported for %s", async (reader, make) => {
    const whole = await make();
    const path = join(dir, "half");
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const error = await READERS[reader]!.read(path).then(
      () => expect.fail("was read"),
      (thrown: unknown) => thrown as AppError,
    );
    expect(error.describe()).toMatch(/cut off/);
  });

  it.each(["a picture", "a .pt file", "Parquet"])(
    "is reported for %s whose download left zeros",
    async (reader) => {
      const whole = await files[reader]!();
      const path = join(dir, "zeros");
      writeFileSync(path, Buffer.concat([whole.subarray(0, 300), new Uint8Array(9000)]));
      const error = await READERS[reader]!.read(path).then(
        () => expect.fail("was read"),
        (thrown: unknown) => thrown as AppError,
      );
      expect(error.describe()).toMatch(/zeros.*\n.*not finished/);
    },
  );
});

describe("a file that is another one", () => {
  it.each<[string, string, () => Uint8Array | Promise<Uint8Array>, string]>([
    ["a picture", "a PyTorch checkpoint", () => encodeTorch([]), "a model is asked for"],
    [
      "a .pt file",
      "a zip archive of pictures",
      async () => {
        await writeZip(join(dir, "p.zip"), [{ name: "faces/a.jpg", text: "x" }]);
        return readFileSync(join(dir, "p.zip"));
      },
      "0 of them",
    ],
    ["safetensors", "a PyTorch checkpoint", () => encodeTorch([]), "a model is asked for"],
    ["a CSV table", "a Parquet file", () => encodeParquet({ id: "string" }, { id: ["a"] }), "named .parquet"],
    [
      "a CSV table",
      "a spreadsheet",
      async () => {
        await writeZip(join(dir, "t.xlsx"), [{ name: "[Content_Types].xml", text: "x" }]);
        return readFileSync(join(dir, "t.xlsx"));
      },
      "save its table as CSV",
    ],
    ["Parquet", "text", () => Buffer.from("id,p\na,.5\n"), "text under its name"],
    ["ONNX", "a safetensors file", () => encodeSafetensors([]), ""],
  ])("is reported for %s that is %s", async (reader, _name, make, hint) => {
    const path = join(dir, "other");
    writeFileSync(path, await make());
    const error = await READERS[reader]!.read(path).then(
      () => expect.fail("was read"),
      (thrown: unknown) => thrown as AppError,
    );
    expect(error.describe()).toContain(hint);
  });
});

describe("a folder", () => {
  const folder = (name: string, ...files: readonly string[]) => {
    mkdirSync(join(dir, name), { recursive: true });
    for (const file of files) writeFileSync(join(dir, name, file), "x");
    return join(dir, name);
  };

  it.each<[string, (path: string) => Promise<unknown>]>([
    ["UTKFace", readUtkface],
    ["FairFace", readFairface],
    ["a dataset of pairs", locate],
    ["HaGRID's annotations", (path) => all(readAnnotations(path, { gestures: "all" }))],
  ])("of %s with the archive still packed recommends to unpack it", async (_what, read) => {
    const path = folder("packed", "images.zip", "._images.zip", ".DS_Store");
    await expect(read(path)).rejects.toMatchObject({ hint: `unpack images.zip in ${path} first` });
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ["UTKFace", readUtkface],
    ["a dataset of pairs", locate],
  ])("of %s that is an archive is called one", async (_what, read) => {
    const path = join(dir, "set.tar.gz");
    writeFileSync(path, gzipSync("x"));
    await expect(read(path)).rejects.toMatchObject({
      message: expect.stringContaining("got a gzip file"),
      hint: "unpack it: gunzip FILE",
    });
  });

  it("is read without what systems leave in it", async () => {
    const path = folder("faces", "21_1_2_x.jpg", "._21_1_2_x.jpg", ".DS_Store", "Thumbs.db", "desktop.ini");
    const { samples } = await readUtkface(path);
    expect(samples.map(({ id }) => id)).toEqual(["21_1_2_x.jpg"]);
    const predictions = folder("predictions", "test.parquet", "._test.parquet", "Thumbs.db", "desktop.ini");
    expect(await predictionFiles(predictions)).toHaveLength(1);
  });
});

describe("a byte order mark", () => {
  it("is passed over in JSON, YAML, CSV and annotations", async () => {
    const write = (name: string, text: string) => {
      writeFileSync(join(dir, name), `\ufeff${text}`);
      return join(dir, name);
    };
    expect(await readJson(write("a.json", '{"a": 1}'), z.strictObject({ a: z.number() }), "a list")).toEqual({
      a: 1,
    });
    expect(await readCsvHeader(write("a.csv", "id,p\n"))).toEqual(["id", "p"]);
    const entries = [];
    for await (const entry of streamEntries(write("b.json", '{"k": {"v": 1}}'), "x", 4)) entries.push(entry);
    expect(entries).toEqual([{ key: "k", value: { v: 1 } }]);
  });
});
