import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import {
  appendJournal,
  cutJournal,
  type JournalFormat,
  journalLine,
  journalLines,
  openJournal,
  readJournal,
} from "./journal.ts";

const schema = z.strictObject({ n: z.int() });
type Line = z.infer<typeof schema>;
const PLAIN: JournalFormat<Line> = {
  what: "a journal",
  schema,
  damaged: (text, where) => new AppError("data", "DAMAGED", `${text} at ${where}`),
};
const SUMMED: JournalFormat<Line> = { ...PLAIN, checksums: true };
const LAX: JournalFormat<Line> = { ...PLAIN, damaged: () => undefined };

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-journal-"));
  path = join(root, "a.jsonl");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const numbers = async (format: JournalFormat<Line>) => {
  const found: number[] = [];
  for await (const { n } of readJournal(path, format)) found.push(n);
  return found;
};
const lines = (...ns: number[]) => ns.map((n) => ({ n }));

describe.each([
  ["without checksums", PLAIN],
  ["with checksums", SUMMED],
])("a journal %s", (_, format) => {
  it("continues after a kill at any byte as if there had been none", async () => {
    await appendJournal(path, format, lines(1, 2, 3));
    const whole = await readFile(path);
    expect(whole.toString()).toBe(
      lines(1, 2, 3)
        .map((value) => journalLine(format, value))
        .join(""),
    );
    for (let bytes = 0; bytes < whole.length; bytes++) {
      await writeFile(path, whole.subarray(0, bytes));
      const done = whole.subarray(0, bytes).filter((byte) => byte === 10).length;
      expect(await numbers(format)).toEqual([1, 2, 3].slice(0, done));
      const journal = await openJournal(path, format);
      expect(journal.done).toBe(done);
      await journal.append(lines(...[1, 2, 3].slice(done)));
      await journal.close();
      expect(await readFile(path)).toEqual(whole);
    }
  });

  it("distinguishes a damaged line from one that was cut off", async () => {
    await appendJournal(path, format, lines(1, 2));
    await appendFile(path, '{"n":\n');
    await expect(numbers(format)).rejects.toThrow(`{"n": at ${path}:3`);
    expect(await cutJournal(path, format, 2)).toEqual(lines(1, 2));
    expect(await numbers(format)).toEqual([1, 2]);
    expect(await cutJournal(path, format, 0)).toEqual([]);
    expect(await readFile(path, "utf8")).toBe("");
  });
});

it("finds a changed line by its checksum, and reads lines without one", async () => {
  await appendJournal(path, SUMMED, lines(7));
  const line = await readFile(path, "utf8");
  expect(line).toBe('{"n":7}\t82119cf8\n');
  await writeFile(path, `{"n":6}\n${line}`);
  expect(await numbers(SUMMED)).toEqual([6, 7]);
  await writeFile(path, line.replace("7}", "8}"));
  await expect(numbers(SUMMED)).rejects.toThrow(`at ${path}:1`);
});

it("leaves out what a format does not mind, and gives lines as they were written", async () => {
  await writeFile(path, '{ "n": 1 }\n{"n":\n\n{"n":2}\n{"n":3}\n{"n":');
  expect(await numbers(LAX)).toEqual([1, 2, 3]);
  const copied: Uint8Array[] = [];
  for await (const line of journalLines(path, LAX, ({ n }) => n !== 2)) copied.push(line);
  expect(Buffer.concat(copied).toString()).toBe('{ "n": 1 }\n{"n":3}\n');
});
