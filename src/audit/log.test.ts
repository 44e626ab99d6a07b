// The log on the disk: whole lines, of many writers, through kills.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { judgement } from "../../test/annotations.ts";
import { annotate, readAnnotations } from "./log.ts";

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-annotations-"));
  path = join(root, "annotations.jsonl");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const LOG = new URL("../../dist/audit/log.js", import.meta.url).href;

/** Adds lines one by one, from a process of its own; says the id of each that is there. */
const writer = (name: string, count: number) => {
  const code = `
    const { annotate } = await import(${JSON.stringify(LOG)});
    for (let i = 0; i < ${count}; i++) {
      const one = { ...${JSON.stringify(judgement("x"))}, id: ${JSON.stringify(name)} + i, annotator: ${JSON.stringify(name)}, image_id: "p" + i };
      await annotate(${JSON.stringify(path)}, [one]);
      console.log(one.id);
    }`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
};

it("adds lines, and tells one that a kill cut off", async () => {
  expect(await annotate(path, [judgement("1"), judgement("2", { image_id: "p2" })])).toBe(0);
  await appendFile(path, '{"id":"3","annot');
  expect(await readAnnotations(path)).toMatchObject({
    lines: [{ id: "1" }, { id: "2" }],
    unfinishedBytes: 16,
  });
  expect(await annotate(path, [judgement("4", { image_id: "p4" })])).toBe(16);
  expect(await readAnnotations(path)).toMatchObject({ lines: { length: 3 }, unfinishedBytes: 0 });
});

it("names file and line of what is no judgement, and writes none", async () => {
  await writeFile(path, `${JSON.stringify(judgement("1"))}\n{"id":"2"}\n`);
  await expect(readAnnotations(path)).rejects.toMatchObject({ code: "ANNOTATION_INVALID" });
  await expect(readAnnotations(path)).rejects.toThrow(`${path}:2`);
  const before = await readFile(path);
  await expect(annotate(path, [judgement(" ")])).rejects.toMatchObject({ code: "ANNOTATION_INVALID" });
  expect(await readFile(path)).toEqual(before);
});

it("loses no line of two processes that write at once", async () => {
  const [a, b] = [writer("anna", 12), writer("ben", 12)];
  const codes = await Promise.all([a, b].map((child) => once(child, "close")));
  expect(codes.map(([code]) => code)).toEqual([0, 0]);
  const { lines } = await readAnnotations(path);
  expect(lines.map(({ id }) => id).sort()).toEqual(
    ["anna", "ben"].flatMap((name) => Array.from({ length: 12 }, (_, i) => name + i)).sort(),
  );
});

it("has every line that it said was there after kill -9", async () => {
  const child = writer("anna", 1000);
  let said = "";
  child.stdout!.on("data", (text) => {
    said += text;
    if (said.split("\n").length > 5) child.kill("SIGKILL");
  });
  await once(child, "close");
  const known = said.split("\n").slice(0, -1);
  await annotate(path, [judgement("last", { image_id: "q" })]);
  const { lines } = await readAnnotations(path);
  expect(lines.map(({ id }) => id)).toEqual(expect.arrayContaining(known));
});
