import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runPython } from "../../test/python.ts";
import { encodeEvents, maskedCrc } from "./tensorboard.ts";

const EVENTS = [
  { wallTime: 1_700_000_000.5, step: 38, scalars: { "loss/train": 0.5, "balanced accuracy/hand": 0.75 } },
  { wallTime: 1_700_000_020, step: 76, scalars: { "loss/train": 0.25 } },
];

describe("event files", () => {
  test("mask the Castagnoli checksum: RFC 3720's vectors", () => {
    const unmask = (value: number) => {
      const rotated = (value - 0xa282ead8) >>> 0;
      return ((rotated >>> 17) | (rotated << 15)) >>> 0;
    };
    expect(unmask(maskedCrc(new Uint8Array(32)))).toBe(0x8a9136aa);
    expect(unmask(maskedCrc(new Uint8Array(32).fill(0xff)))).toBe(0x62a8ab43);
    expect(unmask(maskedCrc(Uint8Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
  });

  test("frame each record by its length and two checksums", () => {
    const bytes = Buffer.from(encodeEvents(EVENTS));
    let at = 0;
    let records = 0;
    while (at < bytes.length) {
      const length = Number(bytes.readBigUInt64LE(at));
      expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc(bytes.subarray(at, at + 8)));
      expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc(bytes.subarray(at + 12, at + 12 + length)));
      at += 16 + length;
      records++;
    }
    expect([at, records]).toEqual([bytes.length, 3]);
  });

  test("hold a scalar of zero, which readers take for none where it is left out", () => {
    const scalar = Buffer.from([0x0a, 1, 0x61, 0x15, 0, 0, 0, 0]); // tag "a", simple_value 0
    const bytes = Buffer.from(encodeEvents([{ wallTime: 1, step: 0, scalars: { a: 0 } }]));
    expect(bytes.includes(scalar)).toBe(true);
  });

  test("are what TensorBoard's own reader reads (needs a Python with tensorboard)", async ({ skip }) => {
    const dir = await mkdtemp(join(tmpdir(), "facehand-"));
    try {
      await writeFile(join(dir, "events.out.tfevents.1"), encodeEvents(EVENTS));
      const script = fileURLToPath(new URL("../../test/parity/events.py", import.meta.url));
      const ran = runPython(script, dir);
      if (ran === undefined) return skip("no Python with tensorboard");
      expect(ran.stderr.includes("Traceback")).toBe(false);
      expect(JSON.parse(ran.stdout)).toEqual({
        "loss/train": [
          [1_700_000_000.5, 38, 0.5],
          [1_700_000_020, 76, 0.25],
        ],
        "balanced accuracy/hand": [[1_700_000_000.5, 38, 0.75]],
      });
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
