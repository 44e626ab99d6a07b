import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { drawn } from "../../../test/parity/pixels.ts";
import { Random } from "../../core/random.ts";
import type { Sample } from "../../core/words.ts";
import { sha256 } from "../../machine/files.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { augment, FULL_AUGMENT } from "../../pixels/jitter.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import { type BatchOptions, openBatches } from "./batches.ts";
import type { Batch, Batches } from "./order.ts";
import { LoaderThreads } from "./threads.ts";
import { unthreadedBatches } from "./unthreaded.ts";

let folder: string;
let samples: Sample[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "facehand-batches-"));
  samples = await Promise.all(Array.from({ length: 11 }, (_, k) => makeSample(k)));
});
afterAll(() => rm(folder, { recursive: true }));

async function makeSample(k: number): Promise<Sample> {
  const path = join(folder, `${k}.jpg`);
  await writeFile(path, await encodeJpeg(drawn(50 + k, 40 + 2 * k, "smooth")));
  return {
    id: `s${k}`,
    subject: `test:${k}`,
    modality: k % 3 === 0 ? "face" : "hand",
    sex: k % 2 === 0 ? "female" : "male",
    path,
    source: "test",
    groups: { age: "", race: "", gesture: "" },
  };
}

const opened: Batches[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((batches) => batches.close()));
});

function open(changes: Partial<BatchOptions> = {}): Batches {
  const batches = openBatches({
    samples,
    batchSize: 4,
    sizePx: 24,
    shuffle: true,
    dropLast: false,
    augment: FULL_AUGMENT,
    seed: 42,
    workers: 2,
    prefetch: 2,
    ...changes,
  });
  opened.push(batches);
  return batches;
}

async function all(epoch: AsyncIterable<Batch>): Promise<Batch[]> {
  const out: Batch[] = [];
  for await (const batch of epoch) out.push(batch);
  return out;
}

/** Everything a batch holds, in one comparable line each. */
function summary(batches: readonly Batch[]): string[] {
  return batches.map(({ index, images, targets, modality, samples: members }) =>
    [index, sha256(images), targets.join(""), modality.join(""), members.map((s) => s.id).join()].join(" "),
  );
}

describe("openBatches", () => {
  it("gives each sample once, with its target, modality and pixels", async () => {
    const [first, second, third] = await all(open({ shuffle: false, augment: undefined }).epoch(0));
    expect([first!.samples.length, second!.samples.length, third!.samples.length]).toEqual([4, 4, 3]);
    expect([...first!.targets, ...third!.targets]).toEqual([0, 1, 0, 1, 0, 1, 0]);
    expect([...first!.modality, ...second!.modality]).toEqual([1, 0, 0, 1, 0, 0, 1, 0]);
    expect(third!.samples).toEqual(samples.slice(8));
    expect(third!.images.length).toBe(3 * 24 * 24 * 3);
    for (const [batch, place, k] of [
      [first!, 0, 0],
      [second!, 1, 5],
      [third!, 2, 10],
    ] as const) {
      const wanted = resizeBilinear(await decodeImage(samples[k]!.path), 24, 24).data;
      expect(batch.images.slice(place * 1728, (place + 1) * 1728)).toEqual(new Uint8Array(wanted));
    }
  });

  it("augments by (seed, epoch, sample), then resizes, as upstream", async () => {
    const batches = await all(open().epoch(3));
    const batch = batches[1]!;
    const sample = batch.samples[2]!;
    const random = Random.of(42).split("augment", 3, `test/${sample.id}`);
    const changed = augment(await decodeImage(sample.path), random, FULL_AUGMENT);
    expect(batch.images.slice(2 * 1728, 3 * 1728)).toEqual(resizeBilinear(changed, 24, 24).data);
  });

  it("shuffles anew each epoch and repeats an epoch exactly, from its cache too", async () => {
    const batches = open();
    const zero = summary(await all(batches.epoch(0)));
    const one = summary(await all(batches.epoch(1)));
    expect(one).not.toEqual(zero);
    const ids = (lines: string[]) => lines.flatMap((line) => line.split(" ").at(-1)!.split(",")).sort();
    expect(ids(one)).toEqual(samples.map((s) => s.id).sort());
    expect(summary(await all(batches.epoch(0)))).toEqual(zero);
    expect(summary(await all(open({ seed: 43 }).epoch(0)))).not.toEqual(zero);
  });

  it("does not depend on the number of threads, prefetch or cache", async () => {
    const wanted = summary(await all(open({ workers: 1, prefetch: 0 }).epoch(2)));
    for (const changes of [
      { workers: 2 },
      { workers: 3, prefetch: 7 },
      { workers: 2, cacheBytes: 0 },
      { workers: 1, cacheBytes: 20_000 },
    ]) {
      const batches = open(changes);
      await all(batches.epoch(0));
      expect(summary(await all(batches.epoch(2)))).toEqual(wanted);
    }
  });

  it("is the same without threads, as pages have it: from its cache, past its bound, from the middle", async () => {
    const asked: string[] = [];
    const options = {
      ...{ samples, batchSize: 4, sizePx: 24, dropLast: false, seed: 42 },
      open: async ({ path }: Sample) => {
        asked.push(path);
        return await decodeImage(path);
      },
    };
    for (const [shuffle, policy] of [
      [true, FULL_AUGMENT],
      [false, undefined],
    ] as const) {
      const wanted = await all(open({ shuffle, augment: policy }).epoch(2));
      for (const cacheBytes of [undefined, 10_000, 0]) {
        asked.length = 0;
        const batches = unthreadedBatches({ ...options, shuffle, augment: policy, cacheBytes });
        await all(batches.epoch(0));
        expect(summary(await all(batches.epoch(2)))).toEqual(summary(wanted));
        expect(summary(await all(batches.epoch(2, { startBatch: 1 })))).toEqual(summary(wanted.slice(1)));
        expect(asked.length > samples.length, `${cacheBytes}`).toBe(cacheBytes !== undefined);
      }
    }
    const broken = unthreadedBatches({
      ...{ ...options, shuffle: false, augment: undefined },
      open: () => Promise.reject(new Error("no picture")),
    });
    await expect(all(broken.epoch(0))).rejects.toThrow("no picture");
    expect(() => unthreadedBatches({ ...options, samples: [], shuffle: false, augment: undefined })).toThrow(
      "Expected at least 1 samples",
    );
  });

  it("is the same from threads that other loaders use, before and after those close", async () => {
    const wanted = summary(await all(open().epoch(1)));
    const threads = new LoaderThreads(2);
    try {
      const plain = open({ workers: threads, augment: undefined, shuffle: false });
      const batches = open({ workers: threads });
      const [mixed] = await Promise.all([all(batches.epoch(1)), all(plain.epoch(0))]);
      expect(summary(mixed)).toEqual(wanted);
      await plain.close();
      await expect(all(plain.epoch(0))).rejects.toThrow("Expected an open loader, got one that is closed");
      expect(summary(await all(batches.epoch(1)))).toEqual(wanted);
    } finally {
      await threads.close();
    }
  });

  it("resumes at any batch of any epoch with the same bytes", async () => {
    const uninterrupted = open();
    for (const epoch of [0, 1]) {
      const whole = summary(await all(uninterrupted.epoch(epoch)));
      const resumed = open(); // new threads that have seen nothing
      for (const startBatch of [2, 1, 3, 0]) {
        const rest = summary(await all(resumed.epoch(epoch, { startBatch })));
        expect(rest).toEqual(whole.slice(startBatch));
      }
    }
  });

  it("drops the last part batch when asked, as torch does", async () => {
    const batches = open({ dropLast: true });
    expect(batches.batchesPerEpoch).toBe(2);
    expect((await all(batches.epoch(0))).map((b) => b.samples.length)).toEqual([4, 4]);
    expect(open().batchesPerEpoch).toBe(3);
  });

  it("can be left early and asked again", async () => {
    const batches = open();
    for await (const batch of batches.epoch(0)) {
      expect(batch.index).toBe(0);
      break;
    }
    expect(await all(batches.epoch(1))).toHaveLength(3);
  });

  it("hands out buffers of its own", async () => {
    const [a, b] = await all(open({ workers: 1 }).epoch(0));
    expect(a!.images.buffer).not.toBe(b!.images.buffer);
    expect(a!.images.byteLength).toBe(a!.images.buffer.byteLength);
  });
});

describe("openBatches refuses", () => {
  it("an id that comes twice", () => {
    expect(() => open({ samples: [...samples, samples[3]!] })).toThrowError(
      `Expected each id once for the samples' ids, got "test/s3" (${samples[3]!.path} and ${samples[3]!.path})`,
    );
  });

  it("a missing file, before the first batch", () => {
    const path = join(folder, "gone.jpg");
    expect(() => open({ samples: [...samples, { ...samples[0]!, id: "gone", path }] })).toThrowError(
      `Expected the image of sample test/gone at ${path}, got no such file`,
    );
  });

  it("fewer samples than one batch", () => {
    expect(() => open({ dropLast: true, batchSize: 12 })).toThrowError(
      "Expected at least 12 samples for one batch, got 11",
    );
    expect(() => open({ samples: [] })).toThrowError("Expected at least 1 samples for one batch, got 0");
  });

  it("a broken picture when its batch comes, naming its path", async () => {
    const broken = await makeSample(99);
    await truncate(broken.path, 700);
    const batches = open({ samples: [...samples, broken], shuffle: false });
    const seen: number[] = [];
    const run = async () => {
      for await (const batch of batches.epoch(0)) seen.push(batch.index);
    };
    await expect(run()).rejects.toMatchObject({
      kind: "data",
      code: "IMAGE_BROKEN",
      message: expect.stringContaining(broken.path),
      hint: expect.any(String),
    });
    expect(seen).toEqual([0, 1]);
  });
});
