// Downloads from a server that sends what no library would: every fault ends as one, and no wrong file appears.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startClock, type TestClock } from "../../../test/clock.ts";
import { type RawRequest, type RawServer, type Step, startRaw } from "../../../test/raw-server.ts";
import { SELF_SIGNED } from "../../../test/self-signed.ts";
import { AppError } from "../../core/errors.ts";
import { sha256 } from "../../machine/files.ts";
import { type DownloadOptions, download } from "./download.ts";

const FILE = "0123456789abcdef";
const OTHER = "FEDCBA9876543210";
const SECRET = "hunter2";

let server: RawServer;
let answers: ((request: RawRequest) => readonly Step[])[];
let clock: TestClock;
let dir = "";
let path = "";
beforeEach(async () => {
  answers = [];
  clock = startClock();
  dir = await mkdtemp(join(tmpdir(), "facehand-wire-"));
  path = join(dir, "a.bin");
  // The last answer is given again and again.
  server = await startRaw((request) => (answers.length > 1 ? answers.shift()! : answers[0]!)(request));
});
afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

const get = (options: DownloadOptions = {}, url = `${server.origin}/a.bin?token=${SECRET}`) =>
  download(url, path, {
    waitMs: 0,
    retries: 1,
    clock,
    onWait: (ms) => setImmediate(() => clock.pass(ms)),
    ...options,
  });
const say = (...steps: readonly Step[]) => answers.push(() => steps);
const text = () => readFile(path, "latin1");
const asked = (header: string) => server.asked.map(({ headers }) => headers.get(header));

/** A head without the last line. */
const head = (status: string, ...lines: readonly string[]) =>
  [`HTTP/1.1 ${status}`, ...lines, "", ""].join("\r\n");
const whole = (body: string, ...lines: readonly string[]) =>
  head("200 OK", `content-length: ${body.length}`, ...lines) + body;
/** The first bytes of a body, then the end. */
const part = (body: string, bytes: number, ...lines: readonly string[]) =>
  head("200 OK", `content-length: ${body.length}`, ...lines) + body.slice(0, bytes);
const rest = (body: string, start: number, ...lines: readonly string[]) =>
  head(
    "206 Partial Content",
    `content-length: ${body.length - start}`,
    `content-range: bytes ${start}-${body.length - 1}/${body.length}`,
    ...lines,
  ) + body.slice(start);

async function fault(options: DownloadOptions = {}, url?: string): Promise<AppError> {
  const error = await get(options, url).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(AppError);
  expect(existsSync(path)).toBe(false);
  const { message, hint, cause, stack } = error as AppError;
  expect(`${message} ${hint} ${stack} ${cause} ${JSON.stringify(cause)}`).not.toContain(SECRET);
  expect(message).toMatch(/^Expected .*, got ./);
  return error as AppError;
}

describe("an answer that is no whole file", () => {
  it.each<[string, string, number, readonly Step[]]>([
    // [what, code, how often it is asked, steps]
    [
      "a chunked body without its last chunk, of a connection that closes",
      "REMOTE_CUT",
      2,
      [head("200 OK", "connection: close", "transfer-encoding: chunked"), "8\r\n01234567\r\n"],
    ],
    [
      "a chunked body without its last chunk",
      "REMOTE_CUT",
      2,
      [head("200 OK", "transfer-encoding: chunked"), "8\r\n01234567\r\n"],
    ],
    [
      "a chunk cut in its middle",
      "REMOTE_CUT",
      2,
      [head("200 OK", "connection: close", "transfer-encoding: chunked"), "8\r\n0123"],
    ],
    [
      "a chunk of no length",
      "REMOTE_CUT",
      2,
      [head("200 OK", "transfer-encoding: chunked"), "x\r\n0123\r\n"],
    ],
    [
      "chunks of HTTP/1.0 without the last",
      "REMOTE_CUT",
      2,
      ["HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "8\r\n01234567\r\n"],
    ],
    ["a body shorter than its length", "REMOTE_CUT", 2, [part(FILE, 7)]],
    [
      "a body shorter than its length, of a connection that closes",
      "REMOTE_CUT",
      2,
      [part(FILE, 7, "connection: close")],
    ],
    ["a body longer than its length", "REMOTE_CUT", 2, [part(FILE, 16) + FILE]],
    ["a reset in the body", "REMOTE_CUT", 2, [part(FILE, 7), "RESET"]],
    ["a reset in the head", "REMOTE_UNREACHABLE", 2, ["HTTP/1.1 200 OK\r\ncontent-le", "RESET"]],
    ["an end in the head", "REMOTE_UNREACHABLE", 2, ["HTTP/1.1 200 OK\r\ncontent-le"]],
    ["an end without an answer", "REMOTE_UNREACHABLE", 2, []],
    [
      "another protocol's promise",
      "REMOTE_UNREACHABLE",
      2,
      [head("101 Switching Protocols", "upgrade: h2c", "connection: upgrade")],
    ],
    ["a body that only ends with its connection", "REMOTE_LENGTH", 1, ["HTTP/1.0 200 OK\r\n\r\n", FILE]],
    ["a body without a length", "REMOTE_LENGTH", 1, [head("200 OK", "connection: close"), FILE]],
    ["two lengths", "REMOTE_HTTP", 1, [head("200 OK", "content-length: 16", "content-length: 15") + FILE]],
    [
      "a length and chunks",
      "REMOTE_HTTP",
      1,
      [`${head("200 OK", "content-length: 16", "transfer-encoding: chunked")}10\r\n${FILE}\r\n0\r\n\r\n`],
    ],
    ["a length that is no number", "REMOTE_HTTP", 1, [head("200 OK", "content-length: 0x10") + FILE]],
    ["a negative length", "REMOTE_HTTP", 1, [head("200 OK", "content-length: -16") + FILE]],
    [
      "a length beyond all numbers",
      "REMOTE_HTTP",
      1,
      [head("200 OK", `content-length: ${"9".repeat(30)}`) + FILE],
    ],
    ["a header that is none", "REMOTE_HTTP", 1, [head("200 OK", "content length 16") + FILE]],
    [
      "headers without end",
      "REMOTE_HTTP",
      1,
      [head("200 OK", ...Array.from({ length: 2000 }, (_, i) => `x-${i}: ${"y".repeat(40)}`))],
    ],
    ["another protocol", "REMOTE_HTTP", 1, ["SSH-2.0-OpenSSH_9.6\r\n"]],
    ["a packed body", "REMOTE_ENCODING", 1, [whole(FILE, "content-encoding: gzip")]],
    [
      "a body packed twice",
      "REMOTE_ENCODING",
      1,
      [whole(FILE, "content-encoding: br", "content-encoding: identity")],
    ],
    [
      "a body packed for its way",
      "REMOTE_ENCODING",
      1,
      [`${head("200 OK", "transfer-encoding: gzip, chunked")}10\r\n${FILE}\r\n0\r\n\r\n`],
    ],
    ["a part that nobody asked for", "REMOTE_STATUS", 1, [rest(FILE, 4)]],
    ["no content", "REMOTE_STATUS", 1, [head("204 No Content")]],
    ["what a proxy changed", "REMOTE_STATUS", 1, [whole(FILE).replace("200 OK", "203 Other")]],
    ["a status that is none", "REMOTE_STATUS", 1, [whole(FILE).replace("200 OK", "799 Odd")]],
    ["a web page", "REMOTE_HTML", 1, [whole("<!DOCTYPE html>", "content-type: text/html")]],
    [
      "a web page that is called data",
      "REMOTE_HTML",
      1,
      [whole("\n<html><body>", "content-type: application/zip")],
    ],
  ])("%s: %s", async (_, code, times, steps) => {
    say(...steps);
    expect(await fault()).toMatchObject({ kind: "remote", code });
    expect(server.asked).toHaveLength(times);
  });

  it.each([408, 425, 429, 500, 502, 503, 504])("status %i is asked again", async (status) => {
    say(head(`${status} Busy`, "content-length: 0"));
    say(whole(FILE));
    await get();
    expect(await text()).toBe(FILE);
  });

  it.each([400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 414, 418, 421, 451, 501, 505])(
    "status %i is not",
    async (status) => {
      say(head(`${status} No`, "content-length: 0"));
      expect((await fault()).kind).toBe("remote");
      expect(server.asked).toHaveLength(1);
    },
  );

  it("early hints go before a file", async () => {
    say(`${head("103 Early Hints", "link: </x>; rel=preload")}${head("100 Continue")}${whole(FILE)}`);
    await get();
    expect(await text()).toBe(FILE);
  });

  it("a body that only ends with its connection is taken if its size or hash is known", async () => {
    say("HTTP/1.0 200 OK\r\n\r\n", FILE);
    expect((await get({ sizeBytes: 16 })).sizeBytes).toBe(16);
    await rm(path);
    expect((await get({ sha256: sha256(FILE) })).sizeBytes).toBe(16);
    await rm(path);
    expect((await fault({ sizeBytes: 17 })).code).toBe("REMOTE_CUT");
    expect((await fault({ sizeBytes: 15 })).code).toBe("REMOTE_LENGTH");
    expect((await fault({ sha256: sha256(OTHER) })).code).toBe("REMOTE_CHECKSUM");
  });

  it("more than was announced is not written", async () => {
    say(`${head("200 OK", "transfer-encoding: chunked")}10\r\n${FILE}\r\n0\r\n\r\n`);
    const error = await fault({ sizeBytes: 8 });
    expect([error.code, error.message]).toEqual([
      "REMOTE_LENGTH",
      `Expected 8 bytes for ${server.origin}/a.bin, got "more"`,
    ]);
    expect(await readdir(dir)).toEqual([]);
  });
});

describe("a redirect", () => {
  it.each([
    ["in a circle", "/a.bin"],
    ["to a file", "file:///etc/passwd"],
    ["to another protocol", "ftp://127.0.0.1/x"],
    ["to data", "data:text/plain,hello"],
    ["with a name and password", `http://me:${SECRET}@127.0.0.1:1/x`],
    ["to no address", "http://[/"],
    ["to an address with a secret", `gopher://x/?sig=${SECRET}`],
  ])("%s is refused", async (_, location) => {
    say(head("302 Found", `location: ${location}`, "content-length: 0"));
    expect(await fault()).toMatchObject({ kind: "remote", code: "REMOTE_REDIRECT" });
    expect(server.asked.length).toBeLessThanOrEqual(11);
  });

  it("without a place is refused; its body, however long, is not read", async () => {
    say(head("302 Found", "transfer-encoding: chunked"), "10\r\n0123456789abcdef\r\n", "HOLD");
    expect(await fault()).toMatchObject({ code: "REMOTE_REDIRECT" });
  });

  it("to another host is followed, in UTF-8 too, without Authorization", async () => {
    const other = await startRaw(() => [whole(FILE)]);
    try {
      say(head("302 Found", `location: ${other.origin}/\u00c3\u00bc?sig=1`, "content-length: 0"));
      await get({ headers: { authorization: "Bearer x" } });
      expect(other.asked.map(({ path: at, headers }) => [at, headers.get("authorization")])).toEqual([
        ["/%C3%BC?sig=1", undefined],
      ]);
    } finally {
      await other.close();
    }
  });
});

describe("bounds on time", () => {
  it("an answer that does not come", async () => {
    answers.push(() => [() => clock.pass(60_000), "HOLD"]);
    expect((await fault()).message).toBe(
      `Expected an answer of ${new URL(server.origin).host}, got none for 60 s`,
    );
    expect(server.asked).toHaveLength(2);
  });

  it("a head that drips, and hints without end", async () => {
    answers.push(() => [
      "HTTP/1.1 200 OK\r\nx",
      () => clock.pass(30_000),
      ": y\r\n",
      () => clock.pass(30_000),
      "HOLD",
    ]);
    expect((await fault()).code).toBe("REMOTE_UNREACHABLE");
    const hint = head("103 Early Hints", "x: y");
    answers = [() => [hint, () => clock.pass(30_000), hint, () => clock.pass(30_000), "HOLD"]];
    expect((await fault()).code).toBe("REMOTE_UNREACHABLE");
  });

  it("a body that falls silent", async () => {
    say(part(FILE, 7), "HOLD");
    const error = await fault({ onProgress: () => clock.pass(60_000) });
    expect(error.message).toBe(`Expected the whole of ${server.origin}/a.bin, got nothing for 60 s`);
    expect(server.asked).toHaveLength(2);
  });

  it("a body that drips, however long it lasts", async () => {
    let come = 0;
    /** Seven seconds after the byte before came. */
    const later: Step = async (isOpen) => {
      while (come === 0 && isOpen()) await new Promise(setImmediate);
      come = 0;
      clock.pass(7_000);
    };
    const drips = Array.from({ length: 50 }, (): Step[] => ["x", later]);
    say(head("200 OK", "content-length: 1000"), ...drips.flat(), "HOLD");
    const onProgress = () => {
      come += 1;
    };
    const error = await fault({ onProgress });
    expect(error.message).toMatch(/^Expected the whole of .*, got 0 bytes a second$/);
    expect(server.asked).toHaveLength(2);
  });

  it("one byte each time, however often it is asked", async () => {
    answers.push(({ headers }) => {
      const start = Number(/\d+/.exec(headers.get("range") ?? "0")![0]);
      return [
        start === 0
          ? part(FILE, 1, 'etag: "v1"')
          : rest(FILE, start, 'etag: "v1"').slice(0, start - FILE.length + 1),
      ];
    });
    const error = await fault({ waitMs: 1000, onWait: (ms) => setImmediate(() => clock.pass(ms)) });
    expect(error.code).toBe("REMOTE_CUT");
    expect(server.asked.length).toBeLessThan(5);
  });

  it("the whole of a download", async () => {
    say(head("200 OK", "content-length: 1000000"), ..."x".repeat(40), "HOLD");
    const error = await fault({ leastRate: 0, idleMs: 1e12, onProgress: () => clock.pass(24 * 3600 * 1000) });
    expect([error.code, error.message]).toEqual([
      "REMOTE_SLOW",
      `Expected the whole of ${server.origin}/a.bin within 168 hours, got a part of it`,
    ]);
  });

  it("a pause as long as a server asks for, up to five minutes", async () => {
    const waits: number[] = [];
    const onWait = (ms: number) => {
      waits.push(ms);
      setImmediate(() => clock.pass(ms));
    };
    say(head("429 Slow", "retry-after: 120", "content-length: 0"));
    say(head("503 Busy", "retry-after: 300", "content-length: 0"));
    say(whole(FILE));
    await get({ retries: 2, onWait });
    expect([waits, clock.now()]).toEqual([[120_000, 300_000], 420_000]);
    await rm(path);
    answers = [() => [head("503 Busy", "retry-after: 301", "content-length: 0")]];
    expect((await fault({ retries: 5, onWait })).code).toBe("REMOTE_BUSY");
    expect(waits).toHaveLength(2);
  });

  it("the user's signal in every place: before an answer, in a body, in a pause", async () => {
    const places: ((stop: AbortController) => { steps: readonly Step[]; options: DownloadOptions })[] = [
      (stop) => ({ steps: [() => stop.abort(), "HOLD"], options: {} }),
      (stop) => ({ steps: [part(FILE, 7), "HOLD"], options: { onProgress: () => stop.abort() } }),
      (stop) => ({
        steps: [head("503 Busy", "content-length: 0")],
        options: { waitMs: 9, onWait: () => stop.abort() },
      }),
    ];
    for (const place of places) {
      const stop = new AbortController();
      const { steps, options } = place(stop);
      answers = [() => steps];
      await expect(get({ ...options, signal: stop.signal })).rejects.toMatchObject({ name: "Interrupted" });
    }
  });
});

describe("a part is continued", () => {
  const V1 = 'etag: "v1"';
  /** What the second request asks for, after seven bytes of FILE came with these headers. */
  async function second(first: readonly string[], answer: string, options: DownloadOptions = {}) {
    say(part(FILE, 7, ...first));
    say(answer);
    say(whole(OTHER, ...first));
    await get({ retries: 3, ...options });
    return { got: await text(), ranges: asked("range"), conditions: asked("if-range") };
  }

  it("behind a strong ETag, which the server is asked to compare", async () => {
    const { got, ranges, conditions } = await second([V1], rest(FILE, 7, V1));
    expect([got, ranges, conditions]).toEqual([FILE, [undefined, "bytes=7-"], [undefined, '"v1"']]);
  });

  it.each<[string, readonly string[]]>([
    ["no name of its version", []],
    ["a weak ETag", ['etag: W/"v1"']],
    ["an ETag without quotes", ["etag: v1"]],
    ["an empty ETag", ['etag: ""']],
    ["two ETags", ['etag: "v1"', 'etag: "v2"']],
    ["a date", ["last-modified: Tue, 02 Sep 2025 10:00:00 GMT"]],
  ])("not behind %s", async (_, lines) => {
    const { got, ranges } = await second(lines, whole(OTHER, ...lines));
    expect([got, ranges]).toEqual([OTHER, [undefined, undefined]]);
  });

  it.each<[string, string]>([
    ["all of another version", whole(OTHER, 'etag: "v2"')],
    ["the rest of another version", rest(OTHER, 7, 'etag: "v2"')],
    ["a rest without a version", rest(OTHER, 7)],
    ["a rest of a weak version", rest(OTHER, 7, 'etag: W/"v1"')],
    ["a rest from elsewhere", rest(OTHER, 6, V1)],
    ["a rest of another length", rest(`${OTHER}!`, 7, V1)],
    ["a rest of no place", rest(OTHER, 7, V1).replace(/content-range: .*\r\n/, "")],
    ["a rest of an unknown whole", rest(OTHER, 7, V1).replace("/16", "/*")],
    ["a rest behind the end", rest(OTHER, 7, V1).replace("-15/16", "-16/16")],
    [
      "a rest that is shorter than its place",
      rest(OTHER, 7, V1).replace("content-length: 9", "content-length: 8"),
    ],
    [
      "several parts",
      rest(OTHER, 7, V1, "content-type: multipart/byteranges; boundary=x").replace(
        /content-range: .*\r\n/,
        "",
      ),
    ],
    [
      "that there is no such part",
      head("416 Range Not Satisfiable", "content-range: bytes */5", "content-length: 0"),
    ],
  ])("not with %s", async (_, answer) => {
    const { got } = await second([V1], answer);
    expect(got).toBe(OTHER);
  });

  it("in pieces, where a server gives no more at a time", async () => {
    answers.push(({ headers }) => {
      const range = headers.get("range");
      if (range === undefined) return [part(FILE, 3, V1)];
      const start = Number(/\d+/.exec(range)![0]);
      const end = Math.min(start + 5, 16);
      const lines = [`content-range: bytes ${start}-${end - 1}/16`, `content-length: ${end - start}`, V1];
      return [head("206 Partial Content", ...lines) + FILE.slice(start, end)];
    });
    await get();
    expect([await text(), asked("range")]).toEqual([FILE, [undefined, "bytes=3-", "bytes=8-", "bytes=13-"]]);
  });

  it("where its hash is known; one of two versions is brought again, once", async () => {
    const known = await second([], rest(FILE, 7), { sha256: sha256(FILE) });
    expect([known.got, known.ranges]).toEqual([FILE, [undefined, "bytes=7-"]]);
    await rm(path);
    answers = [];
    expect((await second([], rest(FILE, 7), { sha256: sha256(OTHER) })).got).toBe(OTHER);
    await rm(path);
    answers = [];
    await expect(second([], rest(FILE, 7), { sha256: sha256("x") })).rejects.toMatchObject({
      code: "REMOTE_CHECKSUM",
    });
    expect(await readdir(dir)).toEqual([]);
  });

  it("of a chunked body, too, whose length is only known then", async () => {
    say(`${head("200 OK", "transfer-encoding: chunked", V1)}7\r\n0123456\r\n`);
    say(rest(FILE, 7, V1));
    await get();
    expect(await text()).toBe(FILE);
  });
});

it("no connection is used twice, whatever the server would like", async () => {
  say(head("503 Busy", "content-length: 0", "connection: keep-alive"), "HOLD");
  say(whole(FILE, "connection: keep-alive"), "HOLD");
  await get();
  expect(asked("connection")).toEqual(["close", "close"]);
  expect(new Set(server.asked.map(({ port }) => port)).size).toBe(2);
});

describe("free space", () => {
  const free = (bytes: number) => async () => bytes + (16 << 20);

  it("is asked for before the first byte", async () => {
    say(whole(FILE));
    expect((await fault({ freeBytes: free(15) })).code).toBe("DISK_FULL");
    expect(await readdir(dir)).toEqual([]);
    await get({ freeBytes: free(16) });
  });

  it("is asked for again and again where no length was announced", async () => {
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    say(
      head("200 OK", "transfer-encoding: chunked"),
      ...Array.from({ length: 400 }, () => chunk),
      "0\r\n\r\n",
    );
    const disk = 20 << 20;
    const freeBytes = async () =>
      disk - (await stat(`${path}.part`).catch(() => ({ size: 0 }))).size + (16 << 20);
    expect((await fault({ freeBytes })).code).toBe("DISK_FULL");
    expect((await stat(`${path}.part`)).size).toBeLessThanOrEqual(disk);
  });
});

describe("an address", () => {
  it("with a name and password is refused, with what to do", async () => {
    const error = await fault({}, `http://me:${SECRET}@127.0.0.1:1/a?sig=${SECRET}`);
    expect([error.kind, error.code, error.message]).toEqual([
      "input",
      "ADDRESS_USER",
      'Expected an address without a name and password in it, which others can read in lists of processes, for what to fetch, got "http://127.0.0.1:1/a"',
    ]);
    expect(error.hint).toBe(
      "download it by a program that keeps passwords (curl --netrc), then give the folder: --mirror FOLDER",
    );
  });

  it.each([
    `http://me:${SECRET}@/x`,
    "http://[/",
    `ftp://x/?token=${SECRET}`,
    `x?token=${SECRET}`,
    "http://",
  ])("that is none is refused: %s", async (url) =>
    expect(await fault({}, url)).toMatchObject({ kind: "input" }),
  );

  it("that no name server knows is asked for once; a silent name server twice", async () => {
    let waits = 0;
    const onWait = (ms: number) => {
      waits += 1;
      setImmediate(() => clock.pass(ms));
    };
    const error = await fault({ onWait }, `http://nowhere.invalid/?token=${SECRET}`);
    expect(error.code).toBe("REMOTE_UNREACHABLE");
    expect(waits).toBe((error.cause as { code: string }).code === "ENOTFOUND" ? 0 : 1);
  });

  it("whose certificate nobody signed is asked for once, and never believed", async () => {
    const secure = await startRaw(() => [whole(FILE)], SELF_SIGNED);
    try {
      const onWait = () => expect.unreachable();
      const error = await fault({ onWait }, `${secure.origin}/a?token=${SECRET}`);
      expect(error.code).toBe("REMOTE_CERTIFICATE");
      expect(error.hint).toContain("NODE_EXTRA_CA_CERTS");
      expect(secure.asked).toEqual([]);
    } finally {
      await secure.close();
    }
  });

  it("of https where plain HTTP answers is asked for once", async () => {
    const plain = createServer((_request, response) => response.end(FILE));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const onWait = () => expect.unreachable();
    const error = await fault({ onWait }, `https://127.0.0.1:${(plain.address() as AddressInfo).port}/`);
    expect(error.code).toBe("REMOTE_UNREACHABLE");
    await new Promise((resolve) => plain.close(resolve));
  });
});
