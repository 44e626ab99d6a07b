// Every reader of facehand with tiny files of its format, most of them written by facehand itself.
// Invariant: a reader here is what a verb calls on a file that people give it, not a part that only tests call.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import sharp from "sharp";
import { z } from "zod";
import type { Random } from "../src/core/random.ts";
import { parseJson } from "../src/core/schema.ts";
import { causeOf, endsOf } from "../src/core/sniff.ts";
import { readNote } from "../src/dataset/export/common.ts";
import { readManifest } from "../src/dataset/manifest.ts";
import { parseFrame, parseMeta } from "../src/derive/hagrid/frame.ts";
import { streamEntries } from "../src/derive/hagrid/records.ts";
import { readDecisions } from "../src/derive/judge/decisions.ts";
import { FRAMES } from "../src/derive/run/journal.ts";
import { readCheckpoint } from "../src/engine/checkpoint-file.ts";
import { importTflite } from "../src/engine/tflite/import.ts";
import { readForeign } from "../src/evaluate/stored/foreign.ts";
import { readPredictions } from "../src/evaluate/stored/predictions.ts";
import { openRecord } from "../src/fetch/fetched.ts";
import { parseSums } from "../src/fetch/sums.ts";
import { readCsv, readCsvHeader } from "../src/formats/csv.ts";
import { decodeModel, encodeModel, type OnnxModel } from "../src/formats/onnx.ts";
import { readParquet } from "../src/formats/parquet/parquet.ts";
import { openRowWriter, readRows } from "../src/formats/parquet/rows.ts";
import { encodeParquet } from "../src/formats/parquet/write.ts";
import { readLiteral } from "../src/formats/python-literal.ts";
import { encodeSafetensors, parseSafetensors } from "../src/formats/safetensors.ts";
import { readSafetensors } from "../src/formats/safetensors-file.ts";
import { openTarWriter, readTar } from "../src/formats/tar.ts";
import { float32Tensor } from "../src/formats/tensor.ts";
import { readTflite } from "../src/formats/tflite.ts";
import { readTorch, readTorchWeights } from "../src/formats/torch/torch.ts";
import { judge } from "../src/formats/zip/archive-entries.ts";
import { alignedZip } from "../src/formats/zip/write.ts";
import { openZip } from "../src/formats/zip/zip.ts";
import { readJson } from "../src/machine/files.ts";
import { readJournal } from "../src/machine/journal.ts";
import { lockHolder } from "../src/machine/lock.ts";
import { parseFacts } from "../src/models/facts.ts";
import { exportedFacts } from "../src/models/files/exported.ts";
import { decodeImage, encodeJpeg, encodePng, exifTurn, imageSize } from "../src/pixels/image.ts";
import { parseStudyFile, readStudyFile } from "../src/studies/plan/file.ts";
import { readEvents } from "../src/studies/run/journal.ts";
import { readTrainConfig } from "../src/train/config.ts";
import { parseRunLog } from "../src/train/runlog.ts";
import { dict, LAYOUTS, layOut, pickle, storage, tensor, text } from "../test/pickles.ts";
import { oneOperator } from "../test/tflites.ts";
import { writeZip } from "../test/zips.ts";
import { randomPickle } from "./mutant-pickles.ts";

/** A reader, and files that it reads. */
export interface Reader {
  readonly name: string;
  /** What the files are called. */
  readonly file: string;
  /** What its parser may stumble over, beside what any may. */
  readonly words: readonly string[];
  /** @param dir - an empty folder, for writers that want one */
  seeds(dir: string): Promise<Uint8Array[]>;
  /** Invents a file. */
  readonly draw?: ((random: Random) => Uint8Array) | undefined;
  read(path: string, bytes: Uint8Array): Promise<unknown>;
}

const utf8 = (value: string) => new Uint8Array(Buffer.from(value));
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const json = (value: unknown) => utf8(JSON.stringify(value));
const all = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
};
const JSON_WORDS = ['"__proto__":', "1e999", "-", "\\u0000", '"\\ud800"', "[[[[", "{}", "nul", "]}", '{"":'];

const TENSORS = [
  float32Tensor("w", [2, 2], Float32Array.of(1, 2, 3, 4)),
  float32Tensor("b", [2], Float32Array.of(0, 1)),
];
const torchFile = (layout: (typeof LAYOUTS)[number]) => {
  const from = storage("0", 4);
  const model = dict(text("w"), tensor(from, [2, 2], [1, 2]), text("b"), tensor(from, [2], [1], 1));
  return new Uint8Array(
    layOut(layout, pickle(dict(text("state_dict"), model)), { 0: Float32Array.of(1, 2, 3, 4) }),
  );
};

const ONNX: OnnxModel = {
  irVersion: 8,
  producer: "facehand",
  opsets: [{ domain: "", version: 17 }],
  metadata: { facehand: "{}" },
  graph: {
    name: "g",
    nodes: [
      {
        ...{ name: "n", op: "Conv", domain: "", inputs: ["x", "w"], outputs: ["y"] },
        attributes: {
          group: { int: 1 },
          pads: { ints: [0, 0, 0, 0] },
          alpha: { float: 0.5 },
          mode: { string: "m" },
        },
      },
    ],
    initializers: [{ name: "w", dtype: "float32", dims: [2], data: new Uint8Array(8) }],
    inputs: [{ name: "x", dtype: "float32", dims: ["n", 2] }],
    outputs: [{ name: "y", dtype: "float32", dims: [1, 2] }],
  },
};

const TABLE = { id: "string", sex: "int32", logit: "double?", kept: "boolean" } as const;
const VALUES = {
  id: ["a", "b", "a", "c"],
  sex: [0, 1, 1, 0],
  logit: [0.5, null, -1, 2],
  kept: [true, false, true, true],
};

/** As another program would write it: without a seal. */
function parquetOf(
  codec: "UNCOMPRESSED" | "SNAPPY" | "GZIP" | "BROTLI",
  encoding?: "DELTA_BINARY_PACKED" | "RLE",
): Uint8Array {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    codec,
    compressors: { GZIP: (bytes) => gzipSync(bytes), BROTLI: (bytes) => brotliCompressSync(bytes) },
    schema: [
      { name: "root", num_children: 4 },
      { name: "id", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
      { name: "sex", type: "INT32", repetition_type: "REQUIRED" },
      { name: "logit", type: "DOUBLE", repetition_type: "OPTIONAL" },
      { name: "kept", type: "BOOLEAN", repetition_type: "REQUIRED" },
    ],
  });
  const columnData = Object.entries(VALUES).map(([name, data]) => ({
    name,
    data,
    ...(encoding === "DELTA_BINARY_PACKED" && name === "sex" ? { encoding } : {}),
  }));
  void parquet.write({ columnData });
  void parquet.finish();
  return writer.getBytes();
}

/** A file of ours without what shows that it was changed. */
function unsealed(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.write("x", copy.indexOf("facehand.sha256"));
  return new Uint8Array(copy);
}

const PIXELS = { width: 20, height: 12, data: Uint8Array.from({ length: 720 }, (_, i) => (i * 37) & 255) };
const BOX = [0.1, 0.2, 0.3, 0.4];
const META = { age: [30], gender: ["male"], race: ["white"] };
const RECORD = {
  ...{
    bboxes: [BOX, BOX],
    labels: ["palm", "no_gesture"],
    user_id: "u1",
    leading_hand: "right",
    leading_conf: 1,
  },
  landmarks: [[[0.1, 0.2]], []],
};
const STUDY = `name: small
backbones:
  resnet18.none: { imageSize: 32 }
train: { epochs: 2 }
grid:
  arch: [umcc, mag]
  lr: [0.001, 0.01]
exclude:
  - { arch: mag, lr: 0.01 }
`;
const HASH = "0".repeat(64);
const NOTE = { from: "mirror", sizeBytes: 1, sha256: HASH };

/** All of them. */
export const READERS: readonly Reader[] = [
  {
    ...{
      name: "torch",
      file: "x.pt",
      words: ["h\x00h\x01R0", "cbuiltins\nset\n", "ccollections\nOrderedDict\n"],
    },
    seeds: async () => LAYOUTS.map(torchFile).slice(0, 2),
    draw: randomPickle,
    read: async (path) => {
      await readTorch(path).catch(onlyData);
      await readTorchWeights(path);
    },
  },
  {
    ...{
      name: "safetensors",
      file: "x.safetensors",
      words: [...JSON_WORDS, '"data_offsets":[0,8]', '"F64"'],
    },
    seeds: async () => [encodeSafetensors(TENSORS, { facehand: "{}", position: "{}" })],
    read: async (path, bytes) => {
      await readSafetensors(path);
      parseSafetensors(bytes, path);
      await readCheckpoint(path)
        .then(({ facts }) => parseFacts(facts, path))
        .catch(onlyData);
    },
  },
  {
    ...{ name: "onnx", file: "x.onnx", words: ["\x08\x08", "\x3a\xff\xff\xff\xff\x0f", "\x2a\x80\x01"] },
    seeds: async () => [encodeModel(ONNX)],
    read: async (path, bytes) => {
      encodeModel(decodeModel(bytes, path));
      try {
        exportedFacts(bytes, path);
      } catch (error) {
        onlyData(error);
      }
    },
  },
  {
    ...{ name: "tflite", file: "x.tflite", words: ["\xff\xff\xff\x7f", "\0\0\0\0", "\xfc\xff\xff\xff"] },
    seeds: async () => [0, 3, 14, 19, 34].map((byte) => oneOperator({ byte })),
    read: async (path, bytes) => {
      const model = readTflite(bytes, path);
      try {
        encodeModel(importTflite(model, path));
      } catch (error) {
        onlyData(error);
      }
    },
  },
  {
    ...{
      name: "parquet",
      file: "x.parquet",
      words: ["\x15\x00", "\x15\x31", "\xff\xff\xff\xff\x0f", "PAR1"],
    },
    seeds: async () => [
      await encodeParquet(TABLE, VALUES),
      unsealed(await encodeParquet(TABLE, VALUES)),
      ...(["UNCOMPRESSED", "SNAPPY", "GZIP", "BROTLI"] as const).map((codec) => parquetOf(codec)),
      parquetOf("UNCOMPRESSED", "DELTA_BINARY_PACKED"),
    ],
    read: async (path) => {
      await readParquet(path, TABLE);
      await readPredictions(path).catch(onlyData);
      await readForeign(path).catch(onlyData);
    },
  },
  {
    ...{ name: "pictures-in-parquet", file: "r.parquet", words: ["\x15\x00", "\xff\xff\xff\xff\x0f"] },
    seeds: async (dir) => {
      const path = join(dir, "seed.parquet");
      const file = await openRowWriter(path, { id: "string", hand: "image" }, {});
      for (const id of ["a", "b"])
        await file.add({ id, hand: { bytes: Uint8Array.of(1, 2), path: "a.jpg" } });
      await file.close();
      return [new Uint8Array(readFileSync(path))];
    },
    read: (path) => all(readRows(path, { id: "string", hand: "image" })),
  },
  {
    ...{ name: "csv", file: "x.csv", words: ['"', '""', ";", "\t", "\r", "\xff\xfe", "\0", ",,,,"] },
    seeds: async () => [utf8('id,gender\na,Male\nb,"Fe,\nmale"\n'), utf8("id,gender\r\na,Male\r\n")],
    read: async (path) => {
      await all(readCsv(path, ["id", "gender"], { allowOthers: true }));
      await readCsvHeader(path);
      await readForeign(path).catch(onlyData);
    },
  },
  {
    ...{ name: "decisions", file: "d.jsonl", words: JSON_WORDS },
    seeds: async () => [
      utf8(
        `${JSON.stringify({ who: "me", when: "2024-01-01", what: "remove", why: "blur", image_id: "a" })}\n`,
      ),
    ],
    read: (path) => readDecisions(path),
  },
  {
    ...{ name: "annotations", file: "palm.json", words: [...JSON_WORDS, '"bboxes":', ": [", "1e308"] },
    seeds: async () => [json({ "a-1": RECORD, "b-2": { ...RECORD, user_id: "u2" } }), json({ "a-1": META })],
    read: async (path) => {
      for await (const { key, value } of streamEntries(path, "HaGRID annotations", 512)) {
        for (const parse of [
          () => parseFrame(key, value, { gesture: "palm", split: "train", file: path }, path),
          () => parseMeta(value, path),
        ]) {
          try {
            parse();
          } catch (error) {
            onlyData(error);
          }
        }
      }
    },
  },
  {
    ...{ name: "json", file: "x.json", words: JSON_WORDS },
    seeds: async () => [json({ a: [1, { b: "c" }], d: null }), json(["x"])],
    read: async (path, bytes) => {
      parseJson(textOf(bytes), z.json(), path);
      await readJson(path, z.strictObject({ a: z.array(z.unknown()), d: z.null() }), "a file").catch(
        onlyData,
      );
      await lockHolder(path);
    },
  },
  {
    ...{ name: "manifest", file: "manifest.json", words: JSON_WORDS },
    seeds: async () => [
      json({ format: "facehand-dataset/2", drawn: true, files: { "train.csv": HASH }, rules: { blur: 1 } }),
    ],
    read: (path) => readManifest(join(path, "..")).catch(onlyData),
  },
  {
    ...{ name: "fetched", file: "fetched.json", words: JSON_WORDS },
    seeds: async () => [json({ format: 1, files: { "a.zip": NOTE }, folders: {} })],
    read: (path) => openRecord(join(path, "..")),
  },
  {
    ...{
      name: "export",
      file: "facehand-export.json",
      words: [...JSON_WORDS, '"../../x":', '"/etc/passwd":'],
    },
    seeds: async () => [json({ format: 1, kind: "imagefolder", files: { "a.csv": HASH }, about: "" })],
    read: (path) => readNote(join(path, "..")).catch(onlyData),
  },
  {
    ...{ name: "sums", file: "SHA256SUMS", words: ["../", "/", "\\", "  "] },
    seeds: async () => [utf8(`${HASH}  train.csv\n${HASH} *faces/a.jpg\n`)],
    read: async (path, bytes) => parseSums(textOf(bytes), path),
  },
  {
    ...{ name: "journals", file: "journal.jsonl", words: [...JSON_WORDS, "\t00000000", "\n\n"] },
    seeds: async () => [
      utf8(`${JSON.stringify({ at: "2024-01-01", event: "start", host: "h", pid: 1 })}\n`),
      utf8(`${JSON.stringify({ frame: 1 })}\t00000000\n`),
    ],
    read: async (path) => {
      await readEvents(path);
      await all(readJournal(path, FRAMES)).catch(onlyData);
    },
  },
  {
    ...{ name: "runs", file: "config.json", words: [...JSON_WORDS, '"epochs":', '"tag":'] },
    seeds: async () => [
      json({ epoch: 1, seconds: 2, best: true, train: {}, val: {} }),
      json({ tag: "x", epochs: 3, data: ["pairs:a"] }),
    ],
    read: async (path, bytes) => {
      for (const parse of [
        () => readTrainConfig(textOf(bytes), path),
        () => parseRunLog(textOf(bytes), path),
      ]) {
        try {
          parse();
        } catch (error) {
          onlyData(error);
        }
      }
    },
  },
  {
    ...{
      name: "study",
      file: "x.yaml",
      words: ["&a ", "*a", "<<: ", "!!int ", "? ", "---\n", "|\n", "1: ", "%YAML 1.1\n", "[", "{", "- - "],
    },
    seeds: async () => [utf8(STUDY), json(parseStudyFile(STUDY, "x"))],
    read: (path) => readStudyFile(path),
  },
  {
    ...{ name: "zip", file: "x.zip", words: ["PK\x05\x06", "PK\x06\x07", "\xff\xff\xff\xff", "../"] },
    seeds: async (dir) => [
      new Uint8Array(
        Buffer.concat(
          alignedZip([
            { name: "a/b", data: utf8("hello") },
            { name: "c", data: utf8("") },
          ]),
        ),
      ),
      new Uint8Array(
        readFileSync(
          await writeZip(join(dir, "seed.zip"), [{ name: "d", text: "x".repeat(500), deflate: true }]),
        ),
      ),
    ],
    read: async (path) => {
      await judge(path, {}).catch(onlyData);
      const zip = await openZip(path, { trailingBytes: true });
      try {
        for (const name of zip.entries.keys()) await zip.read(name, 1 << 20);
      } finally {
        await zip.close();
      }
    },
  },
  {
    ...{
      name: "tar",
      file: "x.tar",
      words: ["ustar", "00000000000\0", "77777777777\0", "\x80\x7f", "L", "x"],
    },
    seeds: async (dir) => {
      const path = join(dir, "seed.tar");
      const tar = openTarWriter(path);
      for (const name of ["a.json", "a.jpg"]) await tar.add({ name, data: utf8(name) });
      await tar.close();
      return [new Uint8Array(readFileSync(path))];
    },
    read: (path) => all(readTar(path, 1 << 20)),
  },
  {
    ...{
      name: "pictures",
      file: "x.jpg",
      words: ["\xff\xd8\xff", "\xff\xda", "\xff\xc2", "IHDR", "VP8L", "Exif\0\0MM", "IDAT"],
    },
    seeds: async () => {
      const raw = sharp(PIXELS.data, { raw: { width: PIXELS.width, height: PIXELS.height, channels: 3 } });
      const others = await Promise.all([
        raw.clone().webp({ lossless: true }).toBuffer(),
        raw.clone().gif().toBuffer(),
        raw.clone().tiff().toBuffer(),
        raw.clone().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
      ]);
      return [
        await encodeJpeg(PIXELS),
        await encodePng(PIXELS),
        ...others.map((bytes) => new Uint8Array(bytes)),
      ];
    },
    read: async (path, bytes) => {
      await imageSize(path).catch(onlyData);
      await exifTurn(bytes);
      await decodeImage(path);
    },
  },
  {
    ...{ name: "literals", file: "x.txt", words: ["'", '"', "\\x", "\\U0010ffff", "(", "{", "u'", "1_0"] },
    seeds: async () => [utf8("{'mean_acc': 0.91, 'flag_on': True, 'seeds': [42, (1,)], 'x': None}")],
    read: async (path, bytes) => {
      causeOf(endsOf(bytes), []);
      readLiteral(textOf(bytes), path);
    },
  },
];

/** Lets what a file is refused for pass; the next reader has its turn. */
function onlyData(error: unknown): void {
  if (error instanceof Error && "kind" in error && error.kind !== "internal") return;
  throw error;
}
