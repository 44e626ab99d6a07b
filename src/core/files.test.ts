import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256File } from "./files.ts";

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
