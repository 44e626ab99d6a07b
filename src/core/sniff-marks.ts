// ◇ Browser-safe. How files of known formats begin, with the message for each that is not wanted.
// Source: the formats' own descriptions, as collected by file(1). Invariant: the first mark that fits counts.

/** Formats that a reader may own; `other` are those that none does. */
export const ALL_FORMATS = [
  ...(["jpeg", "png", "gif", "webp", "tiff", "heif"] as const),
  ...(["zip", "torch", "pickle", "safetensors", "tflite", "onnx", "parquet", "tar"] as const),
  ...(["json", "text", "other"] as const),
] as const;
/** A `leftover` is what systems leave behind: nobody wants it. */
export type Format = (typeof ALL_FORMATS)[number] | "leftover";

/** What a file is whose beginning fits. */
export interface Mark {
  readonly format: Format;
  readonly is: (head: Uint8Array) => boolean;
  readonly got: string;
  readonly hint: string;
}

/** True if the bytes begin with these; at `offset`, if given. */
export function startsWith(head: Uint8Array, bytes: readonly number[] | string, offset = 0): boolean {
  const wanted = typeof bytes === "string" ? [...bytes].map((letter) => letter.charCodeAt(0)) : bytes;
  return wanted.every((byte, i) => head[offset + i] === byte);
}

/** Each byte as the letter of its number. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

const UNPACK = "unpack it and give what is inside";
const PICTURE = "give it where a picture is asked for";
const MODEL = "give it where a model is asked for";

type Row = readonly [
  format: Format,
  bytes: readonly number[] | string,
  got: string,
  hint: string,
  offset?: number,
];

const PLAIN: readonly Row[] = [
  [
    "leftover",
    [0, 5, 0x16, 7],
    "a macOS sidecar (AppleDouble) of another file",
    "remove the files that begin with ._",
  ],
  ["leftover", [0, 5, 0x16, 0], "a macOS AppleSingle file", "copy the file again without macOS's notes"],
  ["leftover", "\0\0\0\x01Bud1", "macOS's .DS_Store", "remove it; it holds how Finder shows its folder"],
  ["leftover", "L\0\0\0\x01\x14\x02\0", "a Windows shortcut", "give the file that it leads to"],
  ["leftover", "book\0\0\0\0mark", "a macOS alias", "give the file that it leads to"],
  ["jpeg", [0xff, 0xd8, 0xff], "a JPEG picture", PICTURE],
  ["png", "\x89PNG", "a PNG picture", PICTURE],
  ["gif", "GIF8", "a GIF picture", PICTURE],
  ["tiff", "II*\0", "a TIFF picture", PICTURE],
  ["tiff", "MM\0*", "a TIFF picture", PICTURE],
  ["other", "8BPS", "a Photoshop file", "save it as PNG or JPEG"],
  ["parquet", "PAR1", "a Parquet file", "give it where a table in Parquet is asked for, named .parquet"],
  ["other", "PARE", "an encrypted Parquet file", "write it without encryption"],
  ["tflite", "TFL3", "a TensorFlow Lite model", MODEL, 4],
  ["other", "\x89HDF", "an HDF5 file (Keras)", "convert it to safetensors or ONNX"],
  ["other", "\x93NUMPY", "a NumPy array", "save what it holds in the format that is asked for"],
  ["other", "SQLite format 3\0", "an SQLite database", "save its table as CSV or Parquet"],
  ["other", "%PDF", "a PDF document", "give the file itself"],
  [
    "leftover",
    [0xd0, 0xcf, 0x11, 0xe0],
    "an old Office document or Windows' Thumbs.db",
    "save a table as CSV; remove Thumbs.db",
  ],
  ["other", [0x1f, 0x8b], "a gzip file", "unpack it: gunzip FILE"],
  ["other", [0x28, 0xb5, 0x2f, 0xfd], "a Zstandard file", "unpack it: unzstd FILE"],
  ["other", "BZh", "a bzip2 file", "unpack it: bunzip2 FILE"],
  ["other", "\xfd7zXZ\0", "an xz file", "unpack it: unxz FILE"],
  ["other", "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK],
  ["other", "Rar!", "a RAR archive", UNPACK],
  ["tar", "ustar", "a tar archive", "unpack it: tar -xf FILE", 257],
  ["other", "\x7fELF", "a program", "give the file itself"],
];

const mark = ([format, bytes, got, hint, offset]: Row): Mark => ({
  format,
  got,
  hint,
  is: (head) => startsWith(head, bytes, offset),
});

const isZip = (head: Uint8Array) =>
  startsWith(head, "PK\x03\x04") || startsWith(head, "PK\x05\x06") || startsWith(head, "PK\x07\x08");
/** Name of the first entry. */
const firstEntry = (head: Uint8Array) =>
  latin1(head.subarray(30, 30 + Math.min(200, (head[26] ?? 0) + 256 * (head[27] ?? 0))));
const zipOf = (format: Format, name: RegExp, got: string, hint: string): Mark => ({
  format,
  got,
  hint,
  is: (head) => isZip(head) && name.test(firstEntry(head)),
});
const ZIPS: readonly Mark[] = [
  zipOf(
    "torch",
    /^[^/]+\/(data\.pkl|byteorder|version|\.format_version|data\/0)$/,
    "a PyTorch checkpoint",
    MODEL,
  ),
  zipOf(
    "other",
    /^(\[Content_Types\]\.xml|_rels\/|xl\/|word\/)/,
    "an Office document",
    "save its table as CSV",
  ),
  zipOf("other", /^mimetype/, "an OpenDocument file", "save its table as CSV"),
  zipOf("other", /\.npy$/, "a NumPy archive", "save what it holds in the format that is asked for"),
  { format: "zip", is: isZip, got: "a zip archive", hint: UNPACK },
];

const BRANDS = /^(heic|heix|hevc|hevx|heim|heis|mif1|msf1|avif|avis)/;
const MEDIA: readonly Mark[] = [
  {
    format: "heif",
    is: (head) => startsWith(head, "ftyp", 4) && BRANDS.test(latin1(head.subarray(8, 12))),
    got: "a HEIF or AVIF picture",
    hint: PICTURE,
  },
  {
    format: "other",
    is: (head) => startsWith(head, "ftyp", 4),
    got: "a video",
    hint: "save frames of it as pictures",
  },
  {
    format: "webp",
    is: (head) => startsWith(head, "RIFF") && startsWith(head, "WEBP", 8),
    got: "a WebP picture",
    hint: PICTURE,
  },
];

const MODELS: readonly Mark[] = [
  {
    format: "safetensors",
    is: (head) => head[8] === 0x7b && head[9] === 0x22 && startsWith(head, [0, 0, 0, 0], 4),
    got: "a safetensors file",
    hint: MODEL,
  },
  {
    format: "pickle",
    is: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    got: "a Python pickle or an old PyTorch checkpoint",
    hint: MODEL,
  },
  {
    // ir_version, then producer_name, the opset or the graph, each with a length
    format: "onnx",
    is: (head) => head[0] === 8 && head[1]! > 0 && head[1]! < 32 && [0x12, 0x3a, 0x42].includes(head[2]!),
    got: "an ONNX model",
    hint: MODEL,
  },
];

/** All marks, the narrow before the wide. */
export const MARKS: readonly Mark[] = [...PLAIN.map(mark), ...ZIPS, ...MEDIA, ...MODELS];
