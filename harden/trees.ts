// What lies in a folder, file by file, as far as two runs of one command agree on it, and whether a file is whole.
// Invariant: what differs from run to run (times, process ids) is named here, and nothing else is passed over.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../src/machine/files.ts";

/** By path below the folder: the hash of a file's bytes; of a folder "/". */
export type Tree = ReadonlyMap<string, string>;

/** What is left of a file's text when the times are out of it. */
export type Timeless = readonly [path: RegExp, text: (bytes: Buffer, path: string) => string | Buffer];

/** What no two runs agree on. */
export const TIMELESS: readonly Timeless[] = [
  [/(^|\/)log\.jsonl$/, (bytes) => bytes.toString().replace(/"(seconds|waitSeconds)":[^,}]+/g, '"$1":0')],
  [/(^|\/)tensorboard\/events\.out/, (bytes) => `${bytes.length} bytes with a time of each event`],
  [/(^|\/)journal\/.*\.jsonl$/, (bytes) => lastEvent(bytes.toString())],
  [/(^|\/)logs\/.*\.log$/, () => "what a task printed"],
];

/** How often a task of a study was begun is not part of its result; how it ended is. */
function lastEvent(text: string): string {
  const line = text.trimEnd().split("\n").at(-1)!;
  const { event } = JSON.parse(line) as { event: string };
  return `ended with ${event}`;
}

/** What a run leaves while it works, under names that mark it. */
export const TEMPORARY =
  /(^|\/)(\.[^/]*\.tmp|\.[^/]*\.facehand-lock-[^/]*|[^/]*\.partial(\.before)?|[^/]*\.part(\.json)?|[^/]*\.lock|\.repair)(\/|$)/;

/** Reads a folder, or one file as the tree of it. */
export async function readTree(dir: string, timeless: readonly Timeless[] = TIMELESS): Promise<Tree> {
  const tree = new Map<string, string>();
  const hash = async (path: string, name: string) => {
    const bytes = await readFile(path);
    const rule = timeless.find(([pattern]) => pattern.test(name));
    tree.set(name, sha256(rule === undefined ? bytes : safely(() => rule[1](bytes, name))));
  };
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (!entry.isDirectory()) await hash(join(dir, name), name);
      else {
        tree.set(name, "/");
        await visit(name);
      }
    }
  };
  try {
    await visit("");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTDIR") throw error;
    await hash(dir, "");
  }
  return tree;
}

function safely(read: () => string | Buffer): string | Buffer {
  try {
    return read();
  } catch (error) {
    return `unreadable: ${(error as Error).message}`;
  }
}

/** How one tree differs from another, in a few lines. */
export function differences(expected: Tree, got: Tree): string[] {
  const missing = [...expected.keys()].filter((name) => !got.has(name));
  const extra = [...got.keys()].filter((name) => !expected.has(name));
  const other = [...expected].filter(([name, hash]) => got.has(name) && got.get(name) !== hash);
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", ..." : ""}`];
  return [
    ...named("missing", missing),
    ...named("left over", extra),
    ...named(
      "other bytes in",
      other.map(([name]) => name),
    ),
  ];
}

/** Why a file is not whole by its own structure; undefined if it is, or its format does not show it. */
export function tornness(path: string, bytes: Buffer): string | undefined {
  const ending = /\.(\w+)$/.exec(path)?.[1] ?? "";
  try {
    const fault = WHOLE[ending]?.(bytes);
    return fault === true || fault === undefined ? undefined : `no end of ${ending}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const WHOLE: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  json: (bytes) => JSON.parse(bytes.toString()) !== undefined,
  // Lines are appended; the last one may be cut off.
  jsonl: (bytes) =>
    bytes
      .toString()
      .split("\n")
      .slice(0, -1)
      .every((line) => line === "" || JSON.parse(line) !== undefined),
  safetensors: (bytes) => {
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
      string,
      { data_offsets?: [number, number] }
    >;
    const end = Math.max(0, ...Object.values(header).map((entry) => entry.data_offsets?.[1] ?? 0));
    return bytes.length === 8 + length + end;
  },
  parquet: (bytes) => bytes.subarray(0, 4).toString() === "PAR1" && bytes.subarray(-4).toString() === "PAR1",
  jpg: (bytes) => bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9,
  // An archive without a comment ends with the 22 bytes of its directory's end.
  zip: (bytes) => bytes.subarray(-22, -18).toString("latin1") === "PK\x05\x06",
  csv: (bytes) => bytes.at(-1) === 0x0a,
  html: (bytes) => /<\/html>\s*$/.test(bytes.toString()),
};
