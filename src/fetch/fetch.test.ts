import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeDrive, startDrive } from "../../test/drive.ts";
import { hashOf, status, type Trick } from "../../test/hub.ts";
import { writeZip } from "../../test/zips.ts";
import { Interrupted } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { HAGRID_GESTURES } from "../core/vocabulary.ts";
import { fetchUnits } from "./fetch.ts";
import { hagridArchive, PUBLISHED, type PublishedFile } from "./published.ts";
import {
  BEST,
  fetchCheckpoints,
  fetchHagrid,
  fetchHagridAnnotations,
  fetchLink,
  fetchMetrics,
} from "./sets.ts";
import type { FetchOptions, FetchUnit } from "./unit.ts";

const random = Random.of(3);
const BYTES = Uint8Array.from({ length: 20_000 }, () => random.int(256));

let drive: FakeDrive;
let dir = "";
beforeEach(async () => {
  drive = await startDrive();
  drive.version = { etag: "v1" };
  drive.plain.set("/d/a.bin", BYTES);
  dir = await mkdtemp(join(tmpdir(), "facehand-fetch-"));
});
afterEach(async () => {
  await drive.close();
  await rm(dir, { recursive: true });
});

const file = (more: Partial<PublishedFile> = {}): PublishedFile => ({
  ...{
    name: "a.bin",
    from: { url: `${drive.origin}/d/a.bin` },
    sizeBytes: null,
    aboutBytes: null,
    sha256: null,
  },
  ...more,
});
const get = (units: readonly FetchUnit[] = [{ file: file() }], options: FetchOptions = {}) =>
  fetchUnits(units, join(dir, "out"), { waitMs: 1, ...options });
const at = (...names: string[]) => join(dir, "out", ...names);
const ranges = () => drive.asked.map(({ range }) => range);
const record = async () => JSON.parse(await readFile(at("fetched.json"), "utf8"));

/** All that a folder holds: no lock of a fetch stays there. */
const shownIn = async (folder: string, options: { recursive?: boolean } = {}) =>
  (await readdir(folder, options)).sort();

async function fails(
  code: string,
  options: FetchOptions = {},
  more: Partial<PublishedFile> = {},
): Promise<string> {
  const error = await get([{ file: file(more) }], options).catch((e: unknown) => e);
  expect(error).toMatchObject({ name: "AppError", code });
  expect(existsSync(at("a.bin"))).toBe(false);
  return (error as Error).message;
}

describe("a fetch", () => {
  it("notes what came, and a second one checks it without asking anybody", async () => {
    const { files } = await get();
    expect(files).toEqual([{ name: "a.bin", sizeBytes: 20_000, sha256: hashOf(BYTES), kept: false }]);
    expect(await record()).toEqual({
      format: 1,
      files: { "a.bin": { from: `${drive.origin}/d/a.bin`, sizeBytes: 20_000, sha256: hashOf(BYTES) } },
      folders: {},
    });
    await drive.close();
    expect((await get()).files[0]).toMatchObject({ kept: true, sha256: hashOf(BYTES) });
    drive = await startDrive();
  });

  it("never replaces what is there: a changed file, or one that it has not brought", async () => {
    await get();
    await writeFile(
      at("a.bin"),
      BYTES.map((b) => b ^ 1),
    );
    await expect(get()).rejects.toMatchObject({ kind: "data", code: "FETCHED_CHANGED" });
    await rm(at("fetched.json"));
    await expect(get()).rejects.toThrow(
      /^Expected .*a\.bin to be as an earlier fetch left it, got no note of it in /,
    );
    expect((await readFile(at("a.bin")))[0]).toBe(BYTES[0]! ^ 1);
  });

  it("brings a removed file again only if it is the same", async () => {
    await get();
    await rm(at("a.bin"));
    expect((await get()).files[0]!.kept).toBe(false);
    await rm(at("a.bin"));
    drive.plain.set(
      "/d/a.bin",
      BYTES.map((b) => b ^ 1),
    );
    expect(await fails("REMOTE_CHECKSUM")).toMatch(/^Expected SHA-256 .* for http.*a\.bin, got "/);
  });

  it("works in one process at a time; what is all there is checked by as many as like", async () => {
    let [begun, goOn] = [() => {}, () => {}];
    const asked = new Promise<void>((resolve) => {
      begun = resolve;
    });
    drive.tricks.push((_request, response) => {
      begun();
      goOn = () => response.writeHead(200, { "content-length": BYTES.length }).end(BYTES);
      return true;
    });
    const first = get();
    await asked;
    await expect(get()).rejects.toMatchObject({ kind: "input", code: "LOCKED" });
    goOn();
    await first;
    expect((await Promise.all([get(), get(), get()])).every(({ files }) => files[0]!.kept)).toBe(true);
  });

  it("takes a file whose kill came between its note and its name", async () => {
    await get();
    await writeFile(at("a.bin.part"), await readFile(at("a.bin")));
    await rm(at("a.bin"));
    expect((await get()).files[0]).toMatchObject({ sha256: hashOf(BYTES) });
    expect(await shownIn(at())).toEqual(["a.bin", "fetched.json"]);
  });

  it("brings several at a time, not more than asked for", async () => {
    let [now, most] = [0, 0];
    const names = ["1", "2", "3", "4", "5"];
    const slow: Trick = (_request, response) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.writeHead(200, { "content-length": 1 }).end("x");
      }, 200); // longer than the next one takes to come, on a busy machine
      return true;
    };
    for (const name of names) {
      drive.plain.set(`/d/${name}`, BYTES);
      drive.tricks.push(slow);
    }
    const units = names.map((name) => ({ file: file({ name, from: { url: `${drive.origin}/d/${name}` } }) }));
    const seen: number[][] = [];
    const { files } = await get(units, { jobs: 2, onProgress: (...each) => seen.push(each) });
    expect(files.map(({ name }) => name)).toEqual(names);
    expect(most).toBe(2);
    expect(seen.at(-1)).toEqual([5, 5]);
  });

  it("stops the others at the first fault, and reports that one", async () => {
    drive.plain.set("/d/slow", BYTES);
    drive.tricks.push(() => true); // never answers
    const units = [
      { file: file({ name: "slow", from: { url: `${drive.origin}/d/slow` } }) },
      { file: file({ name: "none", from: { url: `${drive.origin}/d/none` } }) },
    ];
    await expect(get(units)).rejects.toMatchObject({ code: "REMOTE_NOT_FOUND" });
  });

  it("stops at the signal and continues later", async () => {
    const stop = new AbortController();
    drive.cuts.push(8000);
    const stopped = get(undefined, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow(Interrupted);
    expect(existsSync(at("a.bin"))).toBe(false);
    expect((await get()).files[0]!.sha256).toBe(hashOf(BYTES));
    expect(ranges().at(-1)).toMatch(/^bytes=\d+-$/);
  });

  it("refuses at once what the disk cannot hold", async () => {
    expect(await fails("DISK_FULL", {}, { aboutBytes: 2 ** 52 })).toMatch(
      /MB free for the disk of .*out, got/,
    );
    expect(drive.asked).toEqual([]);
  });
});

describe("faults of servers", () => {
  it("any schedule of cuts ends with the same bytes", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 8 }), async (cuts) => {
        drive.cuts.splice(0, drive.cuts.length, ...cuts);
        const out = join(dir, `run${run++}`);
        const { files } = await fetchUnits([{ file: file() }], out, { waitMs: 1, retries: 20 });
        expect(files[0]!.sha256).toBe(hashOf(BYTES));
        expect(hashOf(await readFile(join(out, "a.bin")))).toBe(hashOf(BYTES));
      }),
      { numRuns: 25 },
    );
  });

  it("a connection that is cut again and again is resumed, as one that ends each hour", async () => {
    drive.cuts.push(...Array.from({ length: 38 }, () => 500));
    await get(undefined, { retries: 3 });
    const from = ranges()
      .slice(1)
      .map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1]));
    expect(from.length).toBeGreaterThanOrEqual(38);
    expect(from).toEqual([...from].sort((a, b) => a - b));
  });

  it("a wrong length, 200 instead of 206, a changed ETag: bytes of two files are never joined", async () => {
    drive.cuts.push(8000);
    drive.tricks.push(
      () => false,
      (_request, response) => {
        response.writeHead(206, {
          "content-length": 12_001,
          "content-range": "bytes 8000-20000/20001",
        });
        response.end(Buffer.alloc(12_001));
        return true;
      },
    );
    expect((await get()).files[0]!.sha256).toBe(hashOf(BYTES));
    await rm(dir, { recursive: true });
    await mkdir(dir);
    drive.cuts.push(8000);
    const other = BYTES.map((b) => b ^ 1);
    drive.tricks.push(
      () => false,
      () => {
        drive.plain.set("/d/a.bin", other);
        drive.version = { etag: "v2" };
        return false;
      },
    );
    expect((await get()).files[0]!.sha256).toBe(hashOf(other));
    await rm(dir, { recursive: true });
    await mkdir(dir);
    drive.ranges = false;
    drive.cuts.push(8000);
    expect((await get()).files[0]!.sha256).toBe(hashOf(other));
  });

  it("a body shorter than its length is cut; one of another size than published is refused", async () => {
    const short: Trick = (request, response) => {
      response.writeHead(200, { "content-length": 20_000 }).write(Buffer.alloc(10), () => request.destroy());
      return true;
    };
    drive.tricks.push(short, short);
    expect(await fails("REMOTE_CUT", { retries: 0 })).toMatch(/^Expected the whole of http/);
    drive.tricks.length = 0;
    expect(await fails("REMOTE_LENGTH", {}, { sizeBytes: 7 })).toMatch(
      /^Expected 7 bytes for .*, got "20000 bytes"$/,
    );
    expect(await fails("REMOTE_CHECKSUM", {}, { sha256: "0".repeat(64) })).toMatch(/^Expected SHA-256 0/);
  });

  it("429 with Retry-After, 500 and 503 pass; a page in place of a zip does not", async () => {
    drive.tricks.push(status(429, { "retry-after": "1" }), status(500), status(503, { "retry-after": "0" }));
    const steps: string[] = [];
    const { files } = await get(undefined, { onStep: (text) => steps.push(text) });
    expect(files[0]!.sha256).toBe(hashOf(BYTES));
    expect(steps.map((text) => text.split(": ")[0])).toEqual(["waiting 1 s", "waiting 1 s", "waiting 0 s"]);
    expect(steps[0]).toMatch(/^waiting 1 s: Expected an answer at http.*, got 429 Too Many Requests$/);
    await rm(at("a.bin"));
    await rm(at("fetched.json"));
    drive.tricks.push(status(200, { "content-type": "text/html" }, "<html>Quota exceeded</html>"));
    await fails("REMOTE_HTML");
    drive.tricks.push((_request, response) => {
      response.writeHead(200, { "content-type": "application/zip" }).write("<!do");
      setTimeout(() => response.end("ctype html><p>x"), 20);
      return true;
    });
    await fails("REMOTE_HTML");
    expect(existsSync(at("a.bin.part"))).toBe(false);
  });
});

describe("mirrors", () => {
  it("are folders or addresses with the same names", async () => {
    const folder = join(dir, "mirror");
    await mkdir(folder);
    await writeFile(join(folder, "final_metrics_with_full_configurations.csv"), "category,configuration\n");
    const one = await fetchMetrics(join(dir, "1"), { mirror: folder });
    drive.plain.set("/m/final_metrics_with_full_configurations.csv", Buffer.from("category,configuration\n"));
    const two = await fetchMetrics(join(dir, "2"), { mirror: `${drive.origin}/m` });
    expect(one.files).toEqual(two.files);
    drive.plain.set(`/m/${PUBLISHED.checkpoints.bestMag.name}`, BYTES); // its name has a `=`
    const three = await fetchCheckpoints(join(dir, "3"), "best-mag", { mirror: `${drive.origin}/m/` });
    expect(three.files[0]).toMatchObject({ name: PUBLISHED.checkpoints.bestMag.name, sizeBytes: 20_000 });
  });

  it("that lack a file, hold a page, or are nothing are refused", async () => {
    const folder = join(dir, "mirror");
    await mkdir(folder);
    const metrics = (mirror: string) => fetchMetrics(join(dir, "out"), { mirror });
    await expect(metrics(folder)).rejects.toMatchObject({ kind: "data", code: "FILE_MISSING" });
    await expect(metrics(`${drive.origin}/m`)).rejects.toMatchObject({ code: "REMOTE_NOT_FOUND" });
    await writeFile(join(folder, PUBLISHED.metrics.name), "\n<!DOCTYPE html><title>Quota</title>");
    await expect(metrics(folder)).rejects.toMatchObject({ code: "REMOTE_HTML" });
    await expect(metrics(join(dir, "none"))).rejects.toThrow(/^Expected an existing folder or an address/);
    await expect(fetchCheckpoints(dir, "all", { mirror: folder })).rejects.toMatchObject({ code: "MIRROR" });
    expect(await shownIn(join(dir, "out"))).toEqual([]);
  });

  it("give all checkpoints of a folder", async () => {
    const folder = join(dir, "mirror");
    await mkdir(folder);
    for (const name of ["b.pt", "a.pt", "notes.txt"]) await writeFile(join(folder, name), name);
    const { files } = await fetchCheckpoints(join(dir, "out"), "all", { mirror: folder });
    expect(files.map(({ name }) => name)).toEqual(["a.pt", "b.pt"]);
  });
});

describe("HaGRID", () => {
  const mirror = () => join(dir, "mirror");
  const zip = (name: string, entries: readonly string[]) =>
    writeZip(
      join(mirror(), name),
      entries.map((entry) => ({ name: entry, text: entry, deflate: true })),
    );
  beforeEach(() => mkdir(mirror()));

  it("comes as derive reads it: gestures and annotations in one folder, archives removed", async () => {
    await zip("palm.zip", ["palm/1.jpg", "palm/2.jpg"]);
    await zip("stop.zip", ["hagrid/stop/3.jpg", "hagrid/stop/readme.txt"]);
    await zip("annotations.zip", [
      "annotations/train/palm.json",
      "annotations/train/.ipynb_checkpoints/x.json",
    ]);
    const { files, folders } = await fetchHagrid(at(), ["palm", "stop", "palm"], { mirror: mirror() });
    expect(files).toEqual([]);
    expect(folders.map(({ name, files, leftOut }) => [name, files, leftOut])).toEqual([
      ["palm", 2, 0],
      ["stop", 1, 1],
    ]);
    await fetchHagridAnnotations(at(), { mirror: mirror() });
    const names = await shownIn(at(), { recursive: true });
    expect(names).toEqual([
      ...["annotations", "annotations/train", "annotations/train/palm.json", "fetched.json"],
      ...["palm", "palm/1.jpg", "palm/2.jpg", "stop", "stop/3.jpg"],
    ]);
    const again = await fetchHagrid(at(), ["palm", "stop"], { mirror: join(dir, "mirror") });
    expect(again.folders.every(({ kept }) => kept)).toBe(true);
    await writeFile(at("palm", "1.jpg"), "other");
    await expect(fetchHagrid(at(), ["palm"], { mirror: mirror() })).rejects.toMatchObject({
      code: "FETCHED_CHANGED",
    });
  });

  it("comes small out of one archive; archives stay on request", async () => {
    await zip("hagridv2_512.zip", ["HaGRIDv2_dataset_512/palm/1.jpg", "HaGRIDv2_dataset_512/fist/2.jpg"]);
    const options = { mirror: mirror(), size: "512", keepArchives: true } as const;
    const { files } = await fetchHagrid(at(), ["palm"], options);
    expect(files.map(({ name }) => name)).toEqual(["hagridv2_512.zip"]);
    const more = await fetchHagrid(at(), ["palm", "fist"], options);
    expect(more.folders.map(({ name, kept }) => [name, kept])).toEqual([
      ["palm", true],
      ["fist", false],
    ]);
    await expect(fetchHagrid(at(), ["stop"], options)).rejects.toMatchObject({ code: "ARCHIVE_EMPTY" });
  });

  it("a damaged archive leaves no folder, and leaves the archive for inspection", async () => {
    await writeZip(join(mirror(), "palm.zip"), [{ name: "palm/1.jpg", text: "x", crc: 1 }]);
    await expect(fetchHagrid(at(), ["palm"], { mirror: mirror() })).rejects.toMatchObject({
      code: "ZIP_DAMAGED",
    });
    expect(await shownIn(at())).toEqual(["fetched.json", "palm.zip"]);
  });

  it("has the gestures that its README lists", () => {
    expect(HAGRID_GESTURES.length).toBe(34);
    for (const gesture of HAGRID_GESTURES) {
      const { name, from } = hagridArchive(gesture);
      expect([name, "url" in from && from.url.endsWith(`/${gesture}.zip`)]).toEqual([`${gesture}.zip`, true]);
    }
    expect(() => hagridArchive("hands_heart2")).toThrow(
      /^Expected one of call, .*, xsign for --gestures, got/,
    );
    expect(BEST).toEqual(["best-umcc", "best-mag"]);
  });
});

describe("a link", () => {
  it("keeps the address's name, without its query", async () => {
    const { files } = await fetchLink(`${drive.origin}/d/a.bin?signature=secret`, join(dir, "out"));
    expect(files[0]!.name).toBe("a.bin");
    expect(JSON.stringify(await record())).not.toContain("secret");
  });

  it("is refused and removed where its hash is not the announced one", async () => {
    const get = (sha256: string) =>
      fetchLink(`${drive.origin}/d/a.bin`, join(dir, "out"), { sha256, waitMs: 1 });
    await expect(get("0".repeat(64))).rejects.toMatchObject({ code: "REMOTE_CHECKSUM" });
    await expect(readFile(join(dir, "out", "a.bin"))).rejects.toMatchObject({ code: "ENOENT" });
    expect((await get(hashOf(BYTES))).files[0]!.sha256).toBe(hashOf(BYTES));
    const folder = fetchLink("drive-folder:1sharedfolder0000", join(dir, "other"), {
      sha256: "0".repeat(64),
    });
    await expect(folder).rejects.toThrow("Expected it of one file, not of a folder for --sha256");
  });
});
