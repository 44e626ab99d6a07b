// The campaign of changed files: what it takes for a fault is one, and its files follow from their seeds.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomPickle } from "../harden/mutant-pickles.ts";
import { Mutants } from "../harden/mutants.ts";
import { mutate } from "../harden/mutate.ts";
import { Random } from "../src/core/random.ts";
import { makePrograms } from "./programs.ts";

const programs = await makePrograms("test/bad-reader", "harden/mutants-child");
const entry = (name: string) => pathToFileURL(programs.path(name));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-mutants-"));
});
afterAll(async () => {
  await rm(dir, { recursive: true });
  programs.remove();
});

const linux = existsSync("/proc/self/stat");

describe.skipIf(!linux)("a reading process", () => {
  const attempt = async (seed: number) => {
    const open = new Mutants(dir, entry("test/bad-reader"));
    try {
      return await open.attempt(seed);
    } finally {
      await open.close();
    }
  };

  it("that reads all is no fault", async () => {
    expect(await attempt(0)).toMatchObject({ faults: [], tried: 250 });
  });

  it.each([
    [1, /^seed 1, file 3 json 10: no end after \d+ ms$/],
    [2, /^seed 2, file 3 json 10: \d+ MB$/],
    [3, /^seed 3, file 3 json 10: the process ended with code 9$/],
    [4, /^seed 4, file 3 json 10: no AppError: TypeError$/],
  ])(
    "that fails in way %i is one fault, and the files after it are read",
    async (seed, message) => {
      const { faults, tried } = await attempt(seed);
      expect(faults).toEqual([expect.stringMatching(message)]);
      expect(tried).toBe(250);
    },
    60_000,
  );
});

it.skipIf(!linux)(
  "finds nothing in 250 files",
  async () => {
    const open = new Mutants(dir, entry("harden/mutants-child"));
    try {
      expect(await open.attempt(7)).toMatchObject({ faults: [], tried: 250 });
    } finally {
      await open.close();
    }
  },
  120_000,
);

it("makes the same files of the same seed, and others of others", () => {
  const seed = new TextEncoder().encode('{"a": [1, 2, 3]}');
  const of = (n: number) => Buffer.from(mutate(seed, Random.of(n), ["x"], [seed])).toString("hex");
  expect(of(3)).toBe(of(3));
  expect(new Set(Array.from({ length: 50 }, (_, n) => of(n))).size).toBeGreaterThan(40);
  const pickles = (n: number) => Buffer.from(randomPickle(Random.of(n))).toString("hex");
  expect(pickles(3)).toBe(pickles(3));
  expect(new Set(Array.from({ length: 50 }, (_, n) => pickles(n))).size).toBeGreaterThan(45);
});
