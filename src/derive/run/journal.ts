// The journal of a derivation: one JSON line for every frame that is done, in the order of the input.
// Source: our own. Invariant: a line is written after the images it speaks of are on the disk; a line cut off by a kill is
// dropped when the journal is opened again, so that what remains is a prefix of the uninterrupted journal. Behind the JSON of
// a line stand a tab and its CRC-32; lines of version 0.1 have none, and are read.
import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { AppError, show } from "../../core/errors.ts";
import { SEXES } from "../../core/vocabulary.ts";
import { MODALITIES, SPLITS } from "../../core/words.ts";
import { HAND_SOURCES } from "../../find/hand-source.ts";
import { exists, readChunks, writeFailed } from "../../machine/files.ts";
import { REFERENCES } from "../../pixels/turns.ts";
import { measuresSchema } from "../judge/measures.ts";
import { REASONS } from "../judge/reasons.ts";

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const result = z.strictObject({
  imageId: z.string(),
  gesture: z.string(),
  /** Split of the source. */
  split: z.enum(SPLITS),
  userId: z.string(),
  meta: z.strictObject({
    age: z.array(z.number()),
    gender: z.array(z.enum(SEXES)),
    race: z.array(z.string()),
  }),
  /** Why no pair can be made of it; rules judge the others later. */
  reason: z.enum(REASONS).optional(),
  detail: z.string().optional(),
  sha256: z.string().optional(),
  /** The file as it was when it was read, to tell later whether it is another one; journals of before have none. */
  source: z.strictObject({ bytes: z.number(), mtimeMs: z.number() }).optional(),
  size: z.tuple([z.number(), z.number()]).optional(),
  faces: z.number().optional(),
  faceScore: z.number().optional(),
  /** px, rounded to hundredths. */
  faceBox: box.optional(),
  handBox: box.optional(),
  /** Which pixels the annotation speaks of, and the face landmarks beside it; of a picture that EXIF turns. */
  annotatedIn: z.enum(REFERENCES).optional(),
  facesIn: z.enum(REFERENCES).optional(),
  /** What the hand crop was made from. */
  hand: z.enum(HAND_SOURCES).optional(),
  measures: measuresSchema.optional(),
  /** Perceptual hash of the frame, hex. */
  look: z.string().optional(),
  /** Crops that were written. */
  crops: z.array(z.enum(MODALITIES)).optional(),
});

/** What is known of one frame after its pixels were looked at. */
export type FrameResult = z.output<typeof result>;

export interface Journal {
  /** Frames done before this opening. */
  readonly done: number;
  append(results: readonly FrameResult[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal to go on with it, or starts one.
 *
 * @throws AppError("data", "JOURNAL_DAMAGED") if a line other than a cut last one cannot be read
 */
export async function openJournal(path: string): Promise<Journal> {
  let done = 0;
  let bytes = 0;
  if (await exists(path)) {
    for await (const { end } of readLines(path)) {
      done++;
      bytes = end;
    }
  }
  const file: FileHandle = await open(path, "a");
  await file.truncate(bytes);
  return {
    done,
    append: async (values) => {
      try {
        await file.appendFile(values.map(journalLine).join(""));
      } catch (cause) {
        throw writeFailed(path, cause); // the next opening drops what was written of the line
      }
    },
    close: () => file.close(),
  };
}

/**
 * The results in a journal, in the order of the input.
 *
 * @throws AppError("data", "JOURNAL_DAMAGED")
 */
export async function* readJournal(path: string): AsyncGenerator<FrameResult> {
  for await (const { text, line } of readLines(path)) yield parseLine(text, `${path}:${line}`);
}

/**
 * The lines of some frames, byte by byte as they were written.
 *
 * @param keeps - asked about every frame, in order
 * @throws AppError("data", "JOURNAL_DAMAGED")
 */
export async function* journalLines(
  path: string,
  keeps: (result: FrameResult) => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const { text, line } of readLines(path)) {
    if (keeps(parseLine(text, `${path}:${line}`))) yield Buffer.from(`${text}\n`);
  }
}

/** Complete lines only; `end` is the byte after the line. */
async function* readLines(path: string): AsyncGenerator<{ text: string; line: number; end: number }> {
  let begun: Uint8Array[] = []; // of a line; put together when its end is there
  let end = 0;
  let line = 0;
  for await (const chunk of readChunks(path, "a journal")) {
    begun.push(chunk);
    if (!chunk.includes(10)) continue;
    let rest = Buffer.concat(begun);
    for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
      const text = rest.subarray(0, at).toString("utf8");
      rest = rest.subarray(at + 1);
      end += at + 1;
      yield { text, line: ++line, end };
    }
    begun = [rest];
  }
}

/** A frame as its line in a journal. */
export function journalLine(value: FrameResult): string {
  const json = JSON.stringify(value);
  return `${json}\t${checksum(json)}\n`;
}

const checksum = (json: string) => crc32(json).toString(16).padStart(8, "0");

function parseLine(text: string, where: string): FrameResult {
  try {
    const [json = "", sum] = text.split("\t"); // JSON has no tab outside of its words, and writes those as \t
    if (sum !== undefined && sum !== checksum(json))
      throw new Error("the line is not the one that was written");
    return result.parse(JSON.parse(json));
  } catch (cause) {
    const message = `Expected the journal line of a derived frame at ${where}, got ${show(text)}`;
    throw new AppError("data", "JOURNAL_DAMAGED", message, {
      hint: "remove the .partial folder and derive again",
      cause,
    });
  }
}
