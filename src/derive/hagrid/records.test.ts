import { spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { codeArgs, moduleOf } from "../../../test/process.ts";
import { streamEntries } from "./records.ts";

const dir = await mkdtemp(join(tmpdir(), "facehand-records-"));
const path = join(dir, "a.json");
afterAll(() => rm(dir, { recursive: true }));

async function read(text: string | Uint8Array, chunkBytes?: number) {
  await writeFile(path, text);
  const entries = [];
  for await (const { key, value } of streamEntries(path, "records", chunkBytes)) entries.push([key, value]);
  return entries;
}

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

describe("streamEntries", () => {
  it("gives what JSON.parse gives, wherever the file is cut into parts", async () => {
    const objects = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 3 }), {
      maxKeys: 6,
    });
    const written = fc.tuple(objects, fc.constantFrom(0, 2), fc.integer({ min: 1, max: 40 }));
    await fc.assert(
      fc.asyncProperty(written, async ([object, indent, chunkBytes]) => {
        const text = JSON.stringify(object, null, indent);
        expect(await read(` ${text}\n`, chunkBytes)).toEqual(Object.entries(JSON.parse(text) as object));
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it("accepts a damaged file exactly if JSON.parse does", async () => {
    const text = '{"a": {"b": [1, -2.5e3, "x\\"}"]}, "c": "d\\\\", "e": null, "f": 12, "g": []}';
    const bytes = Buffer.from('{}[]",:\\ 0a');
    for (let at = 0; at < text.length; at++) {
      for (const byte of at % 3 === 0 ? bytes : bytes.subarray(0, 5)) {
        const damaged = `${text.slice(0, at)}${String.fromCharCode(byte)}${text.slice(at + 1)}`;
        let whole: unknown;
        try {
          whole = JSON.parse(damaged);
        } catch {
          whole = undefined;
        }
        const entries = read(damaged, 7);
        if (!isObject(whole)) await expect(entries).rejects.toMatchObject({ code: "JSON_SYNTAX" });
        else expect(Object.fromEntries(await entries)).toEqual(whole);
      }
      await expect(read(text.slice(0, at), 7)).rejects.toMatchObject({ code: "JSON_SYNTAX" });
    }
    expect(await read(text)).toHaveLength(5);
  });

  it("reports where a file is broken", async () => {
    await expect(read('{"one": {"a": 1},\n "two": {"a": 2')).rejects.toThrow(
      /got .*line 2, byte \d+, after record one$/,
    );
    await expect(read("[]")).rejects.toThrow("Expected a complete JSON object of records in");
    await expect(read("")).rejects.toThrow(/got an empty file.*before the first record/);
    await expect(read('{"a": 1} {}')).rejects.toThrow(/got "unexpected .*after record a/);
    await expect(read('{"a": 1, "a": 2}')).resolves.toEqual([
      ["a", 1],
      ["a", 2],
    ]);
  });

  it("reads 80 MB of annotations with a heap of 32 MB", { timeout: 120_000 }, async () => {
    const folder = join(dir, "hagrid", "annotations", "train");
    const big = join(folder, "palm.json");
    spawnSync("mkdir", ["-p", folder]);
    const file = createWriteStream(big);
    const points = Array.from({ length: 21 }, (_, i) => [i / 21 + 0.001234567891234, 0.5 + i / 100.0001]);
    const record = {
      bboxes: [[0.3, 0.2, 0.25, 0.3]],
      labels: ["palm"],
      user_id: "a".repeat(64),
      hand_landmarks: [points],
      united_bbox: null,
      united_label: null,
      meta: { age: [30.5], gender: ["female"], race: ["White"] },
    };
    const text = JSON.stringify(record);
    const count = Math.ceil(80e6 / text.length);
    const ids = Array.from({ length: count }, (_, i) => `${i}`);
    file.write("{");
    for (const id of ids) {
      const more = file.write(`${id === "0" ? "" : ",\n"}"${id}": ${text}`);
      if (!more) await new Promise<void>((resolve) => file.once("drain", () => resolve()));
    }
    await finished(file.end("}"));
    const code = `
      const { readAnnotations } = await import(${moduleOf("derive/hagrid/annotations.ts")});
      let frames = 0;
      for await (const _ of readAnnotations(process.argv[1], { gestures: "all" })) frames++;
      console.log(frames);`;
    const args = ["--max-old-space-size=32", ...codeArgs(code, join(dir, "hagrid"))];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([stderr, status, stdout.trim()]).toEqual(["", 0, String(count)]);
  });
});
