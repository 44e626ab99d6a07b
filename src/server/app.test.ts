// The server on a real port, asked by a client that sends what no browser would: each rule of security fails without it.
import { once } from "node:events";
import { appendFile, cp, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgement } from "../../test/annotations.ts";
import { layRun } from "../../test/browser/things.ts";
import { annotationsOf, readAnnotations } from "../audit/log.ts";
import { PACKAGED, PACKAGED_MODELS } from "../find/models.ts";
import { sha256 } from "../machine/files.ts";
import type { Listing, Thing } from "./api.ts";
import { ROUTES } from "./api.ts";
import { parseRange } from "./ranges.ts";
import { type Served, serve } from "./serve.ts";

let root: string;
let served: Served;
let token: string;
let cookie: string;
const logged: string[] = [];
const at = (name: string) => join(root, name);

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** As raw as Node's client sends it: the path is not tidied up. */
function ask(
  path: string,
  more: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
) {
  const { method = "GET", headers = {}, body } = more;
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(
      { port: served.port, path, method, headers: { cookie, ...headers }, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode!,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString("latin1"),
          }),
        );
        answer.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const things = async () => JSON.parse((await ask(ROUTES.things())).body) as Listing;
const thing = async (place: string) => (await things()).things.find((one) => one.place === place) as Thing;
const origin = () => ({ origin: `http://127.0.0.1:${served.port}`, "content-type": "application/json" });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-serve-"));
  const images = "set/images/content/aligned_dataset";
  await mkdir(at(`given/${images}/hands`), { recursive: true });
  await mkdir(at(`given/${images}/faces`), { recursive: true });
  for (const split of ["train", "val", "test"]) await writeFile(at(`given/set/${split}.csv`), "id\n1\n");
  await writeFile(at(`given/${images}/hands/H_1.jpg`), "a hand");
  await writeFile(at(`given/${images}/faces/F_1.jpg`), "a face");
  await writeFile(at("given/set/private.txt"), "not offered");
  await mkdir(at("given/broken"));
  await writeFile(at("given/broken/train.csv"), "id\n");
  await mkdir(at("given/run/predictions"), { recursive: true });
  await writeFile(at("given/run/config.json"), "{");
  await writeFile(at("given/run/log.jsonl"), "one\n");
  await writeFile(at("given/run/predictions/test.parquet"), "PAR1");
  await mkdir(at("given-sibling"));
  await writeFile(at("given-sibling/train.csv"), "secret");
  await symlink(at("given-sibling"), at("given/link"));
  await symlink(at("given-sibling/train.csv"), at("given/set/ledger.csv"));
  served = await serve({ roots: [at("given")], version: "1.0.0", port: 0, log: (line) => logged.push(line) });
  token = new URL(served.url).searchParams.get("token")!;
  cookie = `facehand-${served.port}=${token}`;
});
afterAll(async () => {
  await served.close();
  await rm(root, { recursive: true });
});

describe("who may ask", () => {
  it("is whoever has the address: it gives the cookie, and then shows no token", async () => {
    const first = await ask(`/?token=${token}`, { headers: { cookie: "" } });
    expect([first.status, first.headers.location]).toEqual([303, "/"]);
    expect(first.headers["set-cookie"]).toEqual([`${cookie}; Path=/; HttpOnly; SameSite=Strict`]);
    for (const headers of [
      { cookie: "" },
      { cookie: `facehand-${served.port}=${token}x` },
      { cookie: "token=1" },
    ]) {
      const { status, body } = await ask(ROUTES.things(), { headers });
      expect([status, JSON.parse(body).error.code]).toEqual([401, "TOKEN"]);
    }
    expect((await ask("/?token=wrong", { headers: { cookie: "" } })).status).toBe(401);
    expect(logged.join("\n")).not.toContain(token);
    expect(logged).toContain("GET / 303");
  });

  it("calls the server by its name: a name that was bound to this machine is none", async () => {
    for (const host of [
      "evil.example",
      `evil.example:${served.port}`,
      "127.0.0.1",
      `127.0.0.1.:${served.port}`,
    ]) {
      const { status, body } = await ask(ROUTES.things(), { headers: { host } });
      expect([host, status, JSON.parse(body).error.code]).toEqual([host, 400, "HOST"]);
    }
    expect((await ask(ROUTES.things(), { headers: { host: `localhost:${served.port}` } })).status).toBe(200);
  });

  it("is the page itself where something is written", async () => {
    const path = ROUTES.annotations((await thing("set")).id);
    const body = JSON.stringify([judgement("1")]);
    for (const headers of [
      {},
      { origin: "null" },
      { origin: "https://evil.example" },
      { origin: "http://127.0.0.1:1" },
    ]) {
      const { status } = await ask(path, {
        method: "POST",
        body,
        headers: headers as Record<string, string>,
      });
      expect(status).toBe(403);
    }
    expect((await ask(ROUTES.things(), { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  it("gets headers that keep other origins out", async () => {
    for (const path of [ROUTES.things(), "/nothing", ROUTES.file("x", "y")]) {
      const { headers } = await ask(path);
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).not.toMatch(/unsafe-inline|'unsafe-eval'/);
      expect(headers["content-security-policy"]).toMatch(/worker-src 'self'(;|$)/);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "referrer-policy": "no-referrer",
      });
    }
  });
});

describe("listings", () => {
  it("list what is there, and state what is broken without a place of this machine", async () => {
    const { things: all, version, note } = await things();
    expect([version, note.includes("apparent")]).toEqual(["1.0.0", true]);
    expect(all.map(({ place, kind }) => [place, kind])).toEqual([
      ["broken", "dataset"],
      ["run", "run"],
      ["set", "dataset"],
    ]);
    expect(all[2]).toMatchObject({ pictures: 2 });
    expect(all[2]!.files.map(({ name }) => name)).toEqual(["test.csv", "train.csv", "val.csv"]);
    expect(all[1]!.files.map(({ name }) => name)).toContain("predictions/test.parquet");
    expect(all[0]!.trouble?.code).toBe("DATASET_CSV_MISSING");
    expect(JSON.stringify(all)).not.toContain(root);
  });
});

describe("facts", () => {
  it("state how far a run is by the last whole line of its log, and which runs differ in their seed alone", async () => {
    for (const seed of [1, 2]) await layRun(at(`given/runs/${seed}`), { seed, gain: 1, epochs: 2 + seed });
    await appendFile(at("given/runs/2/log.jsonl"), '{"epoch": 5');
    await rm(at("given/runs/1/environment.json"));
    await layRun(at("given/runs/3"), { seed: 2, gain: 1, epochs: 0, predicts: false, arch: "mag" });
    await expect.poll(async () => (await things()).things.length).toBe(6);
    const all = await Promise.all(["1", "2", "3"].map((name) => thing(`runs/${name}`)));
    expect(all.map(({ run }) => [run!.seed, run!.epochs.done])).toEqual([
      [1, 3],
      [2, 4],
      [2, 0],
    ]);
    expect(all[0]!.run!.configuration).toBe(all[1]!.run!.configuration);
    expect(all[0]!.run!.configuration).not.toBe(all[2]!.run!.configuration);
    expect(all.map(({ run }) => run!.sources[0]!.images)).toEqual([undefined, 216, 216]);
    expect(all[1]!.run!.sources[0]).toMatchObject({ kind: "pairs", name: "pairs" });
    await rm(at("given/runs"), { recursive: true });
    await expect.poll(async () => (await things()).things.length).toBe(3);
  });
});

describe("files", () => {
  const text = "id\n1\n";

  it("come whole, by range, and not again if they are the same", async () => {
    const path = ROUTES.file((await thing("set")).id, "train.csv");
    const whole = await ask(path);
    expect([whole.status, whole.body, whole.headers["content-length"]]).toEqual([
      200,
      text,
      String(text.length),
    ]);
    for (const [range, status, body, given] of [
      ["bytes=0-1", 206, "id", "bytes 0-1/5"],
      ["bytes=3-", 206, "1\n", "bytes 3-4/5"],
      ["bytes=-2", 206, "1\n", "bytes 3-4/5"],
      ["bytes=3-999", 206, "1\n", "bytes 3-4/5"],
      ["bytes=5-", 416, "", "bytes */5"],
      ["bytes=-0", 416, "", "bytes */5"],
      ["bytes=99999999999999999999-", 200, text, undefined],
      ["bytes=4-2", 200, text, undefined],
      ["bytes=0-1,3-4", 200, text, undefined],
    ] as const) {
      const found = await ask(path, { headers: { range } });
      expect([range, found.status, found.body, found.headers["content-range"]]).toEqual([
        range,
        status,
        body,
        given,
      ]);
    }
    const known = { "if-none-match": whole.headers.etag! };
    expect(await ask(path, { headers: known })).toMatchObject({ status: 304, body: "" });
    const old = { range: "bytes=0-1", "if-range": '"other"' };
    expect(await ask(path, { headers: old })).toMatchObject({ status: 200, body: text });
    expect(await ask(path, { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    const set = await thing("set");
    const picture = await ask(ROUTES.picture(set.id, "H_1.jpg"));
    expect([picture.body, picture.headers["cache-control"]]).toEqual(["a hand", "private, no-cache"]);
    const kept = await ask(ROUTES.keptPicture(set, "H_1.jpg"));
    expect([kept.body, kept.headers["cache-control"]]).toEqual([
      "a hand",
      "private, max-age=31536000, immutable",
    ]);
    const parquet = await ask(ROUTES.file((await thing("run")).id, "predictions/test.parquet"));
    expect(parquet.body).toBe("PAR1");
  });

  it("are none but those of the listing, however they are spelled", async () => {
    const { id } = await thing("set");
    for (const name of [
      ...["private.txt", "../set/train.csv", "..%2Fset%2Ftrain.csv", "%2e%2e/%2e%2e/given-sibling/train.csv"],
      ...["TRAIN.CSV", "train.csv%00", "train.csv/", "ledger.csv", "..\\set\\train.csv", "C:train.csv"],
      ...[
        "H_1.jpg",
        "images/content/aligned_dataset/hands/H_1.jpg",
        "",
        "%E0%A4%A",
        "constructor",
        "__proto__",
      ],
    ]) {
      const { status, body } = await ask(`/api/things/${id}/files/${name}`);
      expect([name, [400, 404].includes(status)]).toEqual([name, true]); // 400 for what is no address
      expect(body).not.toContain("secret");
    }
    for (const path of [
      ...[
        "/api/things/../../etc/passwd",
        "/../etc/passwd",
        "//etc/passwd",
        "/api/things/__proto__/files/train.csv",
      ],
      ...[
        `/api/things/${id}x/files/train.csv`,
        `/api/things/${id.toUpperCase()}/files/train.csv`,
        "/link/train.csv",
      ],
    ]) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
    expect((await ask(`/api/things/${id}/pictures/train.csv`)).status).toBe(404);
  });

  it("that are exchanged for links or go meanwhile are none any more", async () => {
    const { id } = await thing("set");
    await rm(at("given/set/val.csv"));
    await symlink(at("given-sibling/train.csv"), at("given/set/val.csv"));
    expect((await ask(ROUTES.file(id, "val.csv"))).status).toBe(404);
    await cp(at("given/run"), at("given/gone"), { recursive: true });
    const gone = await new Promise<Thing>((resolve) => {
      const search = async (): Promise<void> => {
        const found = await thing("gone");
        if (found === undefined) return search();
        resolve(found);
      };
      void search();
    });
    await rm(at("given/gone"), { recursive: true });
    expect((await ask(ROUTES.file(gone.id, "log.jsonl"))).status).toBe(404);
  });
});

describe("a log that grows", () => {
  it("is sent line by line, from where the page has it, until it is cut", async () => {
    const { id } = await thing("run");
    const events: string[] = [];
    const sent = request({ port: served.port, path: ROUTES.follow(id, "log.jsonl", 4), headers: { cookie } });
    sent.end();
    const [answer] = await once(sent, "response");
    answer.on("data", (chunk: Buffer) => events.push(chunk.toString()));
    const heard = (what: RegExp) =>
      new Promise<void>((resolve) => {
        const look = () => what.test(events.join("")) && resolve();
        answer.on("data", look);
        look();
      });
    await heard(/event: rest/); // what comes later is seen by the system's word of it, not by the next look
    const two = heard(/data: two\n/);
    await appendFile(at("given/run/log.jsonl"), "two\nthr");
    await two;
    expect(events.join("")).toContain("event: lines\ndata: two\nid: 8\n\n");
    await heard(/data: two\n[\s\S]*event: rest/);
    const three = heard(/data: three\n/);
    await appendFile(at("given/run/log.jsonl"), "ee\n");
    await three;
    await heard(/data: three\n[\s\S]*event: rest/);
    const ended = once(answer, "end");
    const lost = heard(/event: lost/);
    await truncate(at("given/run/log.jsonl"), 2);
    await lost;
    await ended;
  });
});

describe("judgements", () => {
  const post = async (body: string, place = "set") =>
    ask(ROUTES.annotations((await thing(place)).id), { method: "POST", headers: origin(), body });

  it("are on the disk before the page gets its answer", async () => {
    const answer = await post(JSON.stringify([judgement("1"), judgement("2", { image_id: "p2" })]));
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { ids: ["1", "2"], cutBytes: 0 }]);
    const { lines } = await readAnnotations(annotationsOf(at("given/set")));
    expect(lines.map(({ id }) => id)).toEqual(["1", "2"]);
  });

  it("are refused whole if one is none, too large, or about no dataset", async () => {
    const bad = await post(JSON.stringify([judgement("3"), { id: "4" }]));
    expect([bad.status, JSON.parse(bad.body).error.code]).toEqual([422, "ANNOTATION_INVALID"]);
    expect((await post("[]")).status).toBe(404);
    expect((await post("{")).status).toBe(404);
    expect((await post(JSON.stringify([judgement("5", { note: "x".repeat(300_000) })]))).status).toBe(422);
    expect((await post(JSON.stringify([judgement("6")]), "run")).status).toBe(404);
    const { lines } = await readAnnotations(annotationsOf(at("given/set")));
    expect(lines).toHaveLength(2);
  });
});

it("answers a thousand at once, and closes with a client that sends nothing", async () => {
  const { id } = await thing("set");
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(ROUTES.file(id, "train.csv"))));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const other = await serve({ roots: [at("given")], version: "1", port: 0 });
  const silent = connect(other.port, "127.0.0.1");
  await once(silent, "connect");
  silent.on("error", () => undefined);
  const ended = once(silent, "close");
  await other.close();
  await ended;
});

it("takes the next port if one is taken, and refuses what is no folder", async () => {
  const next = await serve({ roots: [at("given")], version: "1", port: served.port });
  expect(next.port).toBeGreaterThan(served.port);
  await next.close();
  await expect(serve({ roots: [at("given/set/train.csv")], version: "1" })).rejects.toMatchObject({
    code: "SERVE_FOLDER",
  });
});

it("reads ranges as RFC 9110 has them", () => {
  expect(parseRange("bytes=-8", 100)).toEqual({ start: 92, end: 99 });
  expect(parseRange("bytes=0-0", 1)).toEqual({ start: 0, end: 0 });
  expect(parseRange("bytes=0-", 0)).toBe("none");
  expect(parseRange("bytes=-", 10)).toBeUndefined();
  expect(parseRange("lines=0-1", 10)).toBeUndefined();
});

describe("detectors", () => {
  it("are the files that the page decodes, by names of a fixed list", async () => {
    for (const model of PACKAGED_MODELS) {
      const { status, body } = await ask(ROUTES.detector(model));
      expect(status).toBe(200);
      expect(sha256(Buffer.from(body, "latin1"))).toBe(PACKAGED[model].sha256);
    }
    for (const name of ["nose.tflite", "faces", "..%2Ffaces.tflite", "x%2Ffaces.tflite"])
      expect([name, (await ask(`/api/detectors/${name}`)).status]).toEqual([name, 404]);
    expect((await ask(ROUTES.detector("faces"), { headers: { cookie: "" } })).status).toBe(401);
  });
});

describe("clients and folders that misbehave", () => {
  it("are cut off where a request comes too slowly, in its head or its body", async () => {
    const other = await serve({ roots: [at("given")], version: "1", port: 0, requestMs: 300 });
    const host = `127.0.0.1:${other.port}`;
    for (const begun of [
      `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `,
      `POST /api/things/x/annotations HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 99\r\n\r\n[`,
    ]) {
      const slow = connect(other.port, "127.0.0.1");
      slow.on("error", () => undefined);
      const closed = once(slow, "close");
      slow.resume().write(begun);
      await closed; // a test that waits for ever is one that fails
    }
    await other.close();
  });

  it("do not end the server where a body has no length and no end", async () => {
    const { id } = await thing("set");
    const answer = await new Promise<Answer>((resolve, reject) => {
      const sent = request(
        {
          ...{ port: served.port, path: ROUTES.annotations(id), method: "POST", agent: false },
          headers: { cookie, ...origin(), "transfer-encoding": "chunked" },
        },
        (heard) => {
          isAnswered = true;
          heard
            .resume()
            .on("end", () => resolve({ status: heard.statusCode!, headers: heard.headers, body: "" }));
        },
      );
      let isAnswered = false;
      sent.on("error", (error) => (isAnswered ? undefined : reject(error)));
      const more = () => {
        if (isAnswered) return void sent.destroy();
        sent.write("x".repeat(64 * 1024), () => setImmediate(more));
      };
      more();
    });
    expect(answer.status).toBe(422);
    expect((await ask(ROUTES.things())).status).toBe(200);
  });

  it("take a run away while its log is followed and its file is read: the one ends, the other is whole", async () => {
    await cp(at("given/run"), at("given/fading"), { recursive: true });
    await writeFile(at("given/fading/predictions/test.parquet"), Buffer.alloc(8 << 20, "p"));
    await expect.poll(async () => (await thing("fading"))?.files.length).toBe(3);
    const { id } = await thing("fading");
    const follows = request({
      port: served.port,
      path: ROUTES.follow(id, "log.jsonl", 0),
      headers: { cookie },
    }).end();
    const reads = request({
      ...{ port: served.port, path: ROUTES.file(id, "predictions/test.parquet"), headers: { cookie } },
    }).end();
    const [[log], [file]] = await Promise.all([once(follows, "response"), once(reads, "response")]);
    await rm(at("given/fading"), { recursive: true });
    const chunks: string[] = [];
    log.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    let bytes = 0;
    file.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await Promise.all([once(log, "end"), once(file, "end")]);
    expect([bytes, chunks.join("").includes("event: lost")]).toEqual([8 << 20, true]);
    expect((await ask(ROUTES.file(id, "log.jsonl"))).status).toBe(404);
  });
});
