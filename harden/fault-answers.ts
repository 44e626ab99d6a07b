// What a misbehaving server answers: every way known to us in which an answer is no whole file, or of another version.
// Invariant: an answer follows from the dealt numbers alone; whoever waits for time lets a test clock pass instead.
import type { Random } from "../src/core/random.ts";
import type { TestClock } from "../test/clock.ts";
import type { RawRequest, Step } from "../test/raw-server.ts";

/** One version of the file that is offered. */
export interface Version {
  readonly bytes: Buffer;
  /** Headers that name it. */
  readonly names: readonly string[];
  /** Its strong ETag, if it has one. */
  readonly strong: string | undefined;
}

/** What an answer is made from. */
export interface Scene {
  readonly random: Random;
  readonly clock: TestClock;
  readonly request: RawRequest;
  readonly version: Version;
  /** Where the server is. */
  readonly origin: string;
}

type Fault = (scene: Scene) => readonly Step[];

const head = (status: string, ...lines: readonly string[]) =>
  [`HTTP/1.1 ${status}`, ...lines, "", ""].join("\r\n");
const tick = () => new Promise(setImmediate);

/** Nothing more comes, for as long as the other side has patience. */
const stall =
  (clock: TestClock): Step =>
  async (isOpen) => {
    while (isOpen()) {
      await tick();
      clock.pass(7_000);
    }
  };

function whole({ version: { bytes, names } }: Scene, ...more: readonly string[]): readonly Step[] {
  return [head("200 OK", `content-length: ${bytes.length}`, ...names, ...more), bytes];
}

function chunked(
  { version: { bytes, names }, random }: Scene,
  most: number,
  ...more: readonly string[]
): Step[] {
  const steps: Step[] = [head("200 OK", "transfer-encoding: chunked", ...names, ...more)];
  for (let at = 0; at < most; ) {
    const size = Math.min(1 + random.int(200), most - at);
    const extension = random.int(8) === 0 ? ';a="b"' : "";
    steps.push(`${size.toString(16)}${extension}\r\n`, bytes.subarray(at, at + size), "\r\n");
    at += size;
  }
  return steps;
}

const startOf = ({ headers }: RawRequest) => {
  const range = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1];
  return range === undefined ? undefined : Number(range);
};

/** The rest that was asked for, of this version, whatever was asked about it. */
function rest(
  scene: Scene,
  change: (place: number[]) => number[] = (place) => place,
  names?: readonly string[],
) {
  const { version, request } = scene;
  const start = startOf(request) ?? 0;
  const { length } = version.bytes;
  if (start >= length)
    return [head("416 Range Not Satisfiable", `content-range: bytes */${length}`, "content-length: 0")];
  const [from, last, total] = change([start, length - 1, length]);
  const body = version.bytes.subarray(start);
  const lines = [`content-range: bytes ${from}-${last}/${total}`, `content-length: ${body.length}`];
  return [head("206 Partial Content", ...lines, ...(names ?? version.names)), body];
}

/** As in RFC 9110. */
const honest: Fault = (scene) => {
  const { request, version, random } = scene;
  const condition = request.headers.get("if-range");
  if (startOf(request) === undefined || (condition !== undefined && condition !== version.strong))
    return random.int(3) === 0 ? [...chunked(scene, version.bytes.length), "0\r\n\r\n"] : whole(scene);
  return rest(scene);
};

/** Some of the body, never all of it. */
function some({ version: { bytes }, random }: Scene): Buffer {
  return bytes.subarray(0, random.int(Math.max(1, bytes.length)));
}

const busy =
  (status: string): Fault =>
  ({ random }) => {
    const after = random.pick([
      "0",
      "1",
      "299",
      "301",
      "99999999999999999999",
      "soon",
      "Fri, 02 Jan 1970 00:00:00 GMT",
      "-1",
    ]);
    return [head(status, "content-length: 0", ...(random.int(2) === 0 ? [] : [`retry-after: ${after}`]))];
  };
const refuse =
  (status: string): Fault =>
  () => [head(status, "content-length: 3"), "no\n"];
const moved =
  (place: (scene: Scene) => string): Fault =>
  (scene) => [
    head(
      scene.random.pick(["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]),
      `location: ${place(scene)}`,
      "content-length: 0",
    ),
  ];

/** By name, for what is found. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "no last chunk, closed": (s) => chunked(s, some(s).length, "connection: close"),
  "no last chunk": (s) => chunked(s, s.version.bytes.length),
  "a cut chunk": (s) => {
    const { length } = some(s);
    return [...chunked(s, length), "ffff\r\n", s.version.bytes.subarray(length, length + 3)];
  },
  "a chunk of no size": (s) => [...chunked(s, some(s).length), "zz\r\nabc\r\n"],
  "a chunk of endless size": (s) => [...chunked(s, some(s).length), `${"f".repeat(20)}\r\nabc\r\n`],
  trailers: (s) => [...chunked(s, s.version.bytes.length), "0\r\nx-a: b\r\n\r\n"],
  "a short body": (s) => [whole(s)[0]!, some(s)],
  "a short body, closed": (s) => [whole(s, "connection: close")[0]!, some(s)],
  "a long body": (s) => [whole(s)[0]!, Buffer.concat([s.version.bytes, Buffer.from("more")])],
  "two answers": (s) => [
    Buffer.concat([...whole(s), ...whole(s)].map((part) => Buffer.from(part as string))),
  ],
  "chunks beyond the file": (s) => [
    ...chunked(s, s.version.bytes.length),
    "4\r\nmore\r\n",
    s.random.int(2) === 0 ? "RESET" : stall(s.clock),
  ],
  "all where a part was asked for": (s) => whole(s),
  "the rest of any version": (s) => rest(s),
  "the rest without a name": (s) => rest(s, undefined, []),
  "the rest by another name": (s) => rest(s, undefined, ['etag: "elsewhere"']),
  "the rest from elsewhere": (s) => rest(s, ([a, b, c]) => [a! + 1, b!, c!]),
  "the rest of a longer file": (s) => rest(s, ([a, b, c]) => [a!, b! + 1, c! + 1]),
  "the rest to nowhere": (s) => rest(s, ([a, b, c]) => [a!, b! + 9, c!]),
  "the rest backwards": (s) => rest(s, ([a, , c]) => [a!, a! - 1, c!]),
  "the rest of numbers without end": (s) => rest(s, ([, b, c]) => [Number.MAX_VALUE, b!, c!]),
  "a part of the rest": (s) => {
    const start = startOf(s.request);
    if (start === undefined || start >= s.version.bytes.length) return honest(s);
    const end = start + 1 + s.random.int(s.version.bytes.length - start);
    const lines = [
      `content-range: bytes ${start}-${end - 1}/${s.version.bytes.length}`,
      `content-length: ${end - start}`,
    ];
    return [head("206 Partial Content", ...lines, ...s.version.names), s.version.bytes.subarray(start, end)];
  },
  "several parts": (s) => [
    head(
      "206 Partial Content",
      "content-type: multipart/byteranges; boundary=x",
      "content-length: 5",
      ...s.version.names,
    ),
    "--x--",
  ],
  "no such part": () => [head("416 Range Not Satisfiable", "content-range: bytes */7", "content-length: 0")],
  "packed by gzip": (s) => whole(s, "content-encoding: gzip"),
  "packed by something": (s) =>
    whole(
      s,
      `content-encoding: ${s.random.pick(["br", "deflate", "zstd", "x-gzip", "identity, gzip", "aes128gcm"])}`,
    ),
  "packed on its way": (s) => [
    ...chunked(s, s.version.bytes.length).map((step, i) =>
      i === 0 ? head("200 OK", "transfer-encoding: gzip, chunked") : step,
    ),
    "0\r\n\r\n",
  ],
  "gzip inside": () => [
    head("200 OK", "content-length: 4", "content-encoding: gzip"),
    Buffer.from([0x1f, 0x8b, 8, 0]),
  ],
  "a circle": moved(({ request }) => request.path),
  "a longer circle": moved(({ request, random }) => `${request.path.split("?")[0]}?n=${random.int(1e9)}`),
  "a file": moved(() => "file:///etc/passwd"),
  "another protocol": moved(({ random }) =>
    random.pick(["ftp://127.0.0.1/x", "data:,x", "javascript:1", "blob:x", "ws://x/"]),
  ),
  "a password": moved(() => "http://me:hunter2@127.0.0.1:9/x?token=hunter2"),
  nowhere: moved(({ random }) =>
    random.pick(["", "http://", "http://[", "//", "http://127.0.0.1:1/?sig=hunter2", "\x80\xff"]),
  ),
  "another host": moved(
    ({ request, origin }) => `${origin.replace("127.0.0.1", "localhost")}${request.path}&moved`,
  ),
  "no place": () => [head("302 Found", "content-length: 0")],
  "many choices": () => [head("300 Multiple Choices", "content-length: 0")],
  "not modified": (s) => [head("304 Not Modified", ...s.version.names)],
  silence: (s) => [stall(s.clock)],
  "silence in the head": (s) => ["HTTP/1.1 200 OK\r\ncontent-", stall(s.clock)],
  "silence in the body": (s) => [whole(s)[0]!, some(s), stall(s.clock)],
  "silence before the last chunk": (s) => [...chunked(s, s.version.bytes.length), stall(s.clock)],
  drops: (s) => [
    head("200 OK", "content-length: 100000"), // no version's bytes
    ...Array.from({ length: 12 }, (): Step[] => [
      "x",
      async () => {
        await tick();
        s.clock.pass(9_000);
      },
    ]).flat(),
    stall(s.clock),
  ],
  "hints without end": (s) => [
    ...Array.from({ length: 12 }, (): Step[] => [
      head("103 Early Hints", "x: y"),
      async () => {
        await tick();
        s.clock.pass(9_000);
      },
    ]).flat(),
    stall(s.clock),
  ],
  "hints before": (s) => [`${head("103 Early Hints", "link: </x>")}${head("100 Continue")}`, ...honest(s)],
  "a reset": () => ["RESET"],
  "a reset in the head": () => ["HTTP/1.1 200 OK\r\nx: ", "RESET"],
  "a reset in the body": (s) => [whole(s)[0]!, some(s), "RESET"],
  "a reset behind the body": (s) => [...whole(s), "RESET"],
  "an end": () => [],
  "an end in the head": () => ["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n"],
  "no HTTP": ({ random }) => [
    random.pick([
      "SSH-2.0-x\r\n",
      "\u0000\u0001\u0002",
      "HTTP/9.9 200 OK\r\n\r\n",
      "HTTP/1.1 2 OK\r\n\r\n",
      "220 ftp ready\r\n",
      "<html>",
    ]),
  ],
  "a bad header": (s) => [
    `HTTP/1.1 200 OK\r\n${s.random.pick(["no colon", "a b: c", "x: \u0000", ": x", "x\u00e9: y"])}\r\ncontent-length: 0\r\n\r\n`,
  ],
  "great headers": () => [
    head("200 OK", ...Array.from({ length: 1500 }, (_, i) => `x-${i}: ${"y".repeat(60)}`)),
  ],
  "two lengths": (s) => [
    head("200 OK", `content-length: ${s.version.bytes.length}`, "content-length: 1"),
    s.version.bytes,
  ],
  "a length and chunks": (s) => [
    ...chunked(s, s.version.bytes.length, `content-length: ${s.version.bytes.length}`),
    "0\r\n\r\n",
  ],
  "an odd length": (s) => [
    head(
      "200 OK",
      `content-length: ${s.random.pick(["-1", "1e3", "0x10", "9".repeat(25), "1, 1", " ", "NaN"])}`,
    ),
    s.version.bytes,
  ],
  "a length beyond the disk": (s) => [
    head("200 OK", `content-length: ${2 ** 50}`, ...s.version.names),
    s.version.bytes,
    stall(s.clock),
  ],
  "closed by its end": (s) => [
    `HTTP/1.0 200 OK\r\n${s.version.names.map((line) => `${line}\r\n`).join("")}\r\n`,
    some(s),
  ],
  "closed by its end, whole": (s) => ["HTTP/1.0 200 OK\r\n\r\n", s.version.bytes],
  "other success": (s) => [
    head(
      s.random.pick([
        "201 Created",
        "202 Accepted",
        "203 Changed",
        "204 No Content",
        "205 Reset",
        "207 Multi",
        "226 IM",
      ]),
      "content-length: 0",
    ),
  ],
  "a part unasked": (s) => [
    head(
      "206 Partial Content",
      `content-range: bytes 0-${s.version.bytes.length - 1}/${s.version.bytes.length}`,
      `content-length: ${s.version.bytes.length}`,
      ...s.version.names,
    ),
    s.version.bytes,
  ],
  "another protocol's promise": () => [
    head("101 Switching Protocols", "upgrade: h2c", "connection: upgrade"),
  ],
  "a page": () => [head("200 OK", "content-type: text/html", "content-length: 6"), "<html>"],
  "a page called data": () => [
    head("200 OK", "content-type: application/zip", "content-length: 30"),
    "\n<!-- x --><!DOCTYPE html><html>".slice(0, 30),
  ],
  denied: refuse("401 Unauthorized"),
  forbidden: refuse("403 Forbidden"),
  missing: refuse("404 Not Found"),
  gone: refuse("410 Gone"),
  "odd status": ({ random }) => [
    head(`${random.pick([402, 418, 451, 494, 501, 505, 599, 799, 999])} Odd`, "content-length: 0"),
  ],
  "too many": busy("429 Too Many Requests"),
  busy: busy("503 Busy"),
  broken: busy("500 Broken"),
  late: busy("408 Timeout"),
};

const NAMES = Object.keys(FAULTS);
/** Those that leave a part behind, and those that may be taken for its rest: two versions meet by these. */
const CUTS = [
  "a short body",
  "a short body, closed",
  "a cut chunk",
  "a reset in the body",
  "silence in the body",
];
const ANY = "the rest of any version";
const RESTS = NAMES.filter((name) => name.includes("the rest")).flatMap((name) =>
  name === ANY ? Array(9).fill(name) : name,
);

/** The steps of one answer, and what it is called. */
export function answer(scene: Scene): { readonly name: string; readonly steps: readonly Step[] } {
  const { random, request } = scene;
  const likely = startOf(request) === undefined ? CUTS : RESTS;
  const kind = random.pick(["honest", "likely", "any"] as const);
  if (kind === "honest") return { name: kind, steps: honest(scene) };
  const name = random.pick(kind === "likely" ? likely : NAMES);
  return { name, steps: FAULTS[name]!(scene) };
}
