// Whole files: hashes, and what a kill in the middle of a write leaves.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openAtomic, sha256File, writeAtomic } from "./files.ts";
import { sweepBeside, sweepTemporaries, temporaryName } from "./temporary.ts";

test("a file's hash is that of its bytes; a file that is not there is an error for people", async () => {
  const dir = await mkdtemp(join(tmpdir(), "facehand-"));
  try {
    const path = join(dir, "a");
    await writeFile(path, "abc"); // FIPS 180-2's example
    expect(await sha256File(path)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const none = join(dir, "none");
    await expect(sha256File(none)).rejects.toMatchObject({
      kind: "data",
      code: "FILE_MISSING",
      message: `Expected a file at ${none}, got no such file`,
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("a file that is written twice at once holds one of both, whole, and long names have room for the temporary one", async () => {
  const dir = await mkdtemp(join(tmpdir(), "facehand-"));
  try {
    const [path, texts] = [join(dir, "a"), ["x".repeat(1e5), "y".repeat(1e5)]];
    await Promise.all(texts.map((text) => writeAtomic(path, text)));
    expect(texts).toContain(await readFile(path, "utf8"));
    const long = join(dir, "n".repeat(255));
    await writeAtomic(long, "z");
    expect((await readdir(dir)).length).toBe(2);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("what kills left of own files is swept, and nothing of others", async () => {
  const dir = await mkdtemp(join(tmpdir(), "facehand-"));
  try {
    const open = await openAtomic(join(dir, "last.safetensors")); // as if killed: never committed
    await open.write("half");
    await writeFile(join(dir, ".best.safetensors.4711.tmp"), "as version 0.1 named them");
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const [, machine] = /-([0-9a-f]{8})-/.exec(temporaryName("x"))!;
    const ofDead = `.page.html.${dead}-${machine}-01234567.tmp`;
    const stay = [
      `.page.html.${dead}-00000000-01234567.tmp`, // of another machine
      `.page.html.${process.pid}-${machine}-01234567.tmp`,
      `.other.html.${dead}-${machine}-01234567.tmp`,
    ];
    for (const name of [ofDead, ...stay]) await writeFile(join(dir, name), "half");
    await sweepBeside(join(dir, "page.html"));
    expect(await readdir(dir)).toEqual(expect.arrayContaining(stay));
    expect(await readdir(dir)).not.toContain(ofDead);
    for (const name of stay) await rm(join(dir, name));
    const theirs = [
      ".last.safetensors.tmp",
      ".notes.4711.tmp",
      ".x.4711-zz.tmp",
      "last.safetensors.1.tmp",
      ".tmp",
    ];
    for (const name of theirs) await writeFile(join(dir, name), "mine");
    await sweepTemporaries(dir, (name) => ["last.safetensors", "best.safetensors"].includes(name));
    expect((await readdir(dir)).sort()).toEqual([...theirs].sort());
    await open.discard();
    await sweepTemporaries(join(dir, "none"), () => true);
  } finally {
    await rm(dir, { recursive: true });
  }
});
