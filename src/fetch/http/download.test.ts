import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Hub, hashOf, startHub, status } from "../../../test/hub.ts";
import { type AppError, Interrupted } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { type DownloadOptions, download } from "./download.ts";
import { retryAfterMs } from "./retry.ts";

const random = Random.of(1);
const BYTES = Uint8Array.from({ length: 50_000 }, () => random.int(256));
const FILE = "/timm/x/resolve/main/model.safetensors";

let hub: Hub;
let dir = "";
let path = "";
beforeEach(async () => {
  hub = await startHub();
  hub.files.set(FILE, BYTES);
  dir = await mkdtemp(join(tmpdir(), "facehand-download-"));
  path = join(dir, "deep", "model.safetensors");
});
afterEach(async () => {
  await hub.close();
  await rm(dir, { recursive: true });
});

const fetchIt = (options: DownloadOptions = {}) =>
  download(`${hub.endpoint}${FILE}`, path, { waitMs: 1, ...options });
const ranges = () => hub.seen.filter(({ server }) => server === "cdn").map(({ range }) => range);
const left = async () => (await readdir(join(dir, "deep"))).sort();

async function fails(code: string, options: DownloadOptions = {}, message: RegExp = /./): Promise<AppError> {
  const error = await fetchIt(options).then(
    () => undefined,
    (e: unknown) => e as AppError,
  );
  expect(error).toMatchObject({
    name: "AppError",
    kind: code.startsWith("REMOTE") ? "remote" : "data",
    code,
  });
  expect(error!.message).toMatch(message);
  expect(error!.message).not.toContain("signature");
  expect(existsSync(path)).toBe(false);
  return error!;
}

describe("a download", () => {
  it("follows the redirect, checks the hash and leaves the file alone", async () => {
    const seen: [number, number | undefined][] = [];
    const done = await fetchIt({ sha256: hashOf(BYTES), onProgress: (...at) => seen.push(at) });
    expect(done).toEqual({ path, sizeBytes: BYTES.length, sha256: hashOf(BYTES) });
    expect(new Uint8Array(await readFile(path))).toEqual(BYTES);
    expect(await left()).toEqual(["model.safetensors"]);
    expect(seen.at(-1)).toEqual([BYTES.length, BYTES.length]);
  });

  it("keeps credentials with their host", async () => {
    await fetchIt({ headers: { authorization: "Bearer secret" } });
    expect(hub.seen.map(({ server, authorization }) => [server, authorization])).toEqual([
      ["hub", "Bearer secret"],
      ["cdn", undefined],
    ]);
  });

  it("continues after every cut, however many there are", async () => {
    hub.cutAfter = 4000;
    const { sha256 } = await fetchIt({ retries: 1 });
    expect(sha256).toBe(hashOf(BYTES));
    expect(ranges().length).toBeGreaterThanOrEqual(13);
    expect(
      ranges()
        .slice(1)
        .every((range) => /^bytes=[1-9]\d*-$/.test(range!)),
    ).toBe(true);
  });

  it("continues the part of an earlier run", async () => {
    hub.cutAfter = 20_000;
    hub.tricks.push(() => false, status(404));
    await fails("REMOTE_NOT_FOUND");
    expect(await left()).toEqual(["model.safetensors.part", "model.safetensors.part.json"]);
    hub.cutAfter = undefined;
    const { sha256 } = await fetchIt();
    expect([sha256, ranges().at(-1)]).toEqual([hashOf(BYTES), "bytes=20000-"]);
  });

  it("leaves no note where it ends before the file has its name", async () => {
    await mkdir(join(path, "in the way"), { recursive: true });
    await expect(fetchIt()).rejects.toThrow();
    expect(await left()).toEqual(["model.safetensors", "model.safetensors.part"]);
    await rm(path, { recursive: true });
    expect((await fetchIt()).sha256).toBe(hashOf(BYTES));
    expect(await left()).toEqual(["model.safetensors"]);
  });

  it("begins again if the file has changed meanwhile", async () => {
    hub.cutAfter = 20_000;
    hub.tricks.push(() => false, status(404));
    await fails("REMOTE_NOT_FOUND");
    hub.cutAfter = undefined;
    const other = BYTES.map((b) => b ^ 1);
    hub.files.set(FILE, other);
    expect((await fetchIt()).sha256).toBe(hashOf(other));
    expect(ranges().slice(-2)).toEqual(["bytes=20000-", undefined]);
  });

  it("begins again if the file has become shorter than its part, or the server knows no ranges", async () => {
    hub.cutAfter = 20_000;
    hub.tricks.push(() => false, status(404));
    await fails("REMOTE_NOT_FOUND");
    hub.cutAfter = undefined;
    hub.files.set(FILE, BYTES.subarray(0, 100));
    expect((await fetchIt()).sizeBytes).toBe(100);
    await rm(path);
    hub.files.set(FILE, BYTES);
    hub.ranges = false;
    hub.cutAfter = 20_000;
    hub.tricks.push(
      () => false,
      () => {
        hub.cutAfter = undefined;
        return false;
      },
    );
    expect((await fetchIt()).sha256).toBe(hashOf(BYTES));
  });

  it("takes a part of another address, or without a note, for nothing", async () => {
    await mkdir(join(dir, "deep"), { recursive: true });
    await writeFile(`${path}.part`, "x".repeat(1000));
    expect((await fetchIt()).sha256).toBe(hashOf(BYTES));
    expect(ranges()).toEqual([undefined]);
    hub.cutAfter = 20_000;
    hub.tricks.push(() => false, status(404));
    await rm(path);
    await fails("REMOTE_NOT_FOUND");
    hub.cutAfter = undefined;
    hub.files.set(`${FILE}/other.bin`, BYTES.subarray(1));
    await download(`${hub.endpoint}${FILE}/other.bin`, path, {});
    expect(ranges().at(-1)).toBeUndefined();
    expect(new Uint8Array(await readFile(path))).toEqual(BYTES.subarray(1));
  });

  it("waits as long as a busy server asks, and no longer than its attempts", async () => {
    hub.tricks.push(status(429, { "retry-after": "1" }), status(503), status(500));
    const start = performance.now();
    const { sha256 } = await fetchIt();
    expect(performance.now() - start).toBeGreaterThan(990);
    expect([sha256, ranges().length]).toEqual([hashOf(BYTES), 4]);
    await rm(path);
    hub.tricks.push(...Array.from({ length: 3 }, () => status(429, { "retry-after": "0" })));
    await fails(
      "REMOTE_BUSY",
      { retries: 2 },
      /^Expected an answer at .*model.safetensors, got 429 Too Many/,
    );
    hub.tricks.push(status(429, { "retry-after": "3600" }));
    await fails("REMOTE_BUSY", { retries: 2 });
  });

  it("gives up on a connection that is cut before it brings anything new", async () => {
    hub.cutAfter = 20_000;
    hub.ranges = false;
    const error = await fails("REMOTE_CUT", { retries: 2 }, /^Expected the whole of http/);
    expect(error.hint).toBe("run the same command again; it continues where this stopped");
    expect(ranges()).toHaveLength(3);
  });

  it("cuts a connection that brings nothing", async () => {
    const silent = () => true;
    hub.tricks.push(silent, silent);
    const limits = { retries: 1, idleMs: 50 };
    await fails("REMOTE_UNREACHABLE", limits, /^Expected an answer of .*, got none for 0.05 s$/);
  });

  it("stops at the signal, keeping what came", async () => {
    const stop = new AbortController();
    hub.cutAfter = 30_000;
    const download = fetchIt({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(download).rejects.toThrow(Interrupted);
    expect(await left()).toContain("model.safetensors.part");
  });
});

describe("what is no file", () => {
  it("is a web page, by its head or by its content", async () => {
    hub.tricks.push(status(200, { "content-type": "text/html; charset=utf-8" }, "Quota exceeded"));
    const error = await fails("REMOTE_HTML", {}, /got a web page$/);
    expect(error.hint).toContain("open the address");
    hub.tricks.push(status(200, {}, "\n<!DOCTYPE html><title>Login</title>"));
    await fails("REMOTE_HTML");
  });

  it("is refused or missing", async () => {
    const hints = { denied: "set HF_TOKEN", missing: "check the name" };
    hub.tricks.push(status(401), status(403), status(404), status(418));
    expect((await fails("REMOTE_DENIED", { hints }, /^Expected access at .* got 401/)).hint).toBe(
      "set HF_TOKEN",
    );
    await fails("REMOTE_DENIED");
    expect((await fails("REMOTE_NOT_FOUND", { hints })).hint).toBe("check the name");
    await fails("REMOTE_STATUS", {}, /got 418/);
  });

  it("has another length or another hash than it must", async () => {
    await fails("REMOTE_LENGTH", { sizeBytes: 7 }, /^Expected 7 bytes for .*, got "50000 bytes"$/);
    await fails("REMOTE_CHECKSUM", { sha256: "00" }, /^Expected SHA-256 00 for/);
    expect(await left()).toEqual([]);
  });

  it("is a redirect to nowhere, or in a circle", async () => {
    hub.hubTricks.push(status(302, { location: "ftp://elsewhere/x" }), status(302));
    await fails("REMOTE_REDIRECT");
    await fails("REMOTE_REDIRECT");
    hub.hubTricks.push(...Array.from({ length: 12 }, () => status(302, { location: FILE })));
    await fails("REMOTE_REDIRECT", {}, /more than 10 redirects/);
  });

  it("is a server that does not answer", async () => {
    await hub.close();
    await fails(
      "REMOTE_UNREACHABLE",
      { retries: 1 },
      /^Expected an answer of 127.0.0.1:\d+, got connect ECONN/,
    );
    hub = await startHub();
  });

  it("is larger than the disk", async () => {
    hub.tricks.push((_request, response) => {
      response.writeHead(200, { "content-length": String(2 ** 52) }).write("x");
      return true;
    });
    await fails("DISK_FULL", {}, /^Expected \d+ MB free for the disk of .*deep, got "\d+ MB"$/);
  });
});

describe("retryAfterMs", () => {
  it("reads seconds and dates", () => {
    const now = Date.parse("2026-01-02T03:04:05Z");
    expect(retryAfterMs("120")).toBe(120_000);
    expect(retryAfterMs("Fri, 02 Jan 2026 03:04:15 GMT", now)).toBe(10_000);
    expect(retryAfterMs("Fri, 02 Jan 2026 03:04:00 GMT", now)).toBe(0);
    expect([retryAfterMs(null), retryAfterMs("soon")]).toEqual([undefined, undefined]);
  });
});
