// The routes of an audit on a real port: the log as it lies and as it grows, lines that are sent again, and what a blind page gets.
import { once } from "node:events";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BLIND, judgement } from "../../test/annotations.ts";
import { aPair, layPairs } from "../../test/dataset.ts";
import type { Annotation } from "../audit/annotation.ts";
import { annotationsOf, readAnnotations } from "../audit/log.ts";
import { type BlindPairs, type Listing, ROUTES } from "./api.ts";
import { type Served, serve } from "./serve.ts";

let root: string;
let log: string;
let served: Served;
let id: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-judgements-"));
  const pair = (name: string, gender: "male" | "female") => aPair(name, "s1", { gender, race: "" });
  await layPairs(join(root, "set"), {
    train: [pair("p2", "female"), pair("p1", "female")],
    val: [aPair("p3", "s2", { gender: "male", age: "" })],
    test: [],
  });
  log = annotationsOf(join(root, "set"));
  served = await serve({ roots: [root], version: "1.0.0", port: 0 });
  const listing = (await (await ask(ROUTES.things())).json()) as Listing;
  id = listing.things[0]!.id;
});
afterEach(async () => {
  await served.close();
  await rm(root, { recursive: true });
});

const headers = () => ({
  cookie: `facehand-${served.port}=${new URL(served.url).searchParams.get("token")}`,
  origin: `http://127.0.0.1:${served.port}`,
});
const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${served.port}${path}`, { ...init, headers: { ...headers(), ...init.headers } });
const post = (lines: readonly unknown[]) =>
  ask(ROUTES.annotations(id), { method: "POST", body: JSON.stringify(lines) });
const code = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;

/** Reads events until one is found. */
async function follow(path: string) {
  const sent = request({ port: served.port, path, headers: headers() }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  answer.setEncoding("utf8");
  answer.on("error", () => undefined);
  const heard = async (what: RegExp) => {
    while (!what.test(text)) text += (await once(answer, "data"))[0];
    return text;
  };
  return { heard, stop: () => sent.destroy() };
}

describe("the log", () => {
  it("is empty before anybody judged, then what lies there, whole and by range", async () => {
    expect([
      (await ask(ROUTES.annotations(id))).status,
      await (await ask(ROUTES.annotations(id))).text(),
    ]).toEqual([200, ""]);
    await post([judgement("1")]);
    const line = `${JSON.stringify(judgement("1"))}\n`;
    expect(await (await ask(ROUTES.annotations(id))).text()).toBe(line);
    const part = await ask(ROUTES.annotations(id), { headers: { range: "bytes=1-4" } });
    expect([part.status, await part.text()]).toEqual([206, line.slice(1, 5)]);
  });

  it("is followed from before it is there, and reports when that was all", async () => {
    const { heard, stop } = await follow(ROUTES.followAnnotations(id, 0));
    await heard(/event: rest\n/);
    await post([judgement("1")]);
    expect(await heard(/event: lines[\s\S]*event: rest/)).toContain('data: {"id":"1"');
    stop();
  });
});

describe("a line that is sent again", () => {
  it("is saved, and there once", async () => {
    for (const _ of [1, 2, 3]) expect((await post([judgement("1")])).status).toBe(200);
    const both = await post([judgement("1"), judgement("2", { image_id: "p2" })]);
    expect(await both.json()).toEqual({ ids: ["1", "2"], cutBytes: 0 });
    expect((await readAnnotations(log)).lines.map((one) => one.id)).toEqual(["1", "2"]);
  });

  it("is there once when all are sent at once", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => post([judgement(`${i % 4}`, { image_id: `q${i % 4}` })])),
    );
    expect((await readAnnotations(log)).lines).toHaveLength(4);
  });

  it("that is another, or takes back what is not there, is refused whole", async () => {
    await post([judgement("1")]);
    const other = await post([judgement("2", { image_id: "p2" }), judgement("1", { choice: "unsure" })]);
    expect([other.status, await code(other)]).toEqual([422, "ANNOTATION_ID"]);
    const back = await post([judgement("3", { choice: undefined, reverts: "x9" })]);
    expect([back.status, await code(back)]).toEqual([422, "ANNOTATION_REVERTS"]);
    expect((await readAnnotations(log)).lines).toHaveLength(1);
  });
});

describe("a blind page", () => {
  const seen = (more: Partial<Annotation>) =>
    judgement("b", {
      annotator: "ben",
      seen: BLIND,
      recorded: {},
      choice: "relabel",
      to: { gender: "male" },
      ...more,
    });

  it("gets pairs without what is recorded of them, in no order of the tables", async () => {
    const text = await (await ask(ROUTES.blind(id))).text();
    expect(text).not.toMatch(/male|female|20-29|palm|train/i);
    expect((JSON.parse(text) as BlindPairs).pairs).toEqual([
      ["p1", 0, "H_p1.jpg", "F_p1.jpg"],
      ["p2", 0, "H_p2.jpg", "F_p2.jpg"],
      ["p3", 1, "H_p3.jpg", "F_p3.jpg"],
    ]);
  });

  it("gets which pairs others judged, not their answers; of its own lines all but the record", async () => {
    await post([
      judgement("1", { note: "a secret", choice: "relabel", to: { gender: "male" } }),
      judgement("2", { image_id: "p2", choice: "skip" }),
      seen({ image_id: "p3", user_id: "s2" }),
    ]);
    await appendFile(log, "not a line\n");
    const { heard, stop } = await follow(ROUTES.followAnnotations(id, 0, "ben"));
    const text = await heard(/event: rest/);
    stop();
    expect(text).not.toMatch(/secret|female|anna|confirm|gender":"female/);
    expect(text).toContain('data: {"id":"1","image_id":"p1","user_id":"s1","judged":true}');
    expect(text).toContain('data: {"id":"2","image_id":"p2","user_id":"s1","judged":false}');
    expect(text).toContain('"to":{"gender":"male"}');
    expect((await ask(ROUTES.followAnnotations(id, 0, ""))).status).toBe(404);
  });

  it("judges without knowing the record, which is added; sent again it is the same line", async () => {
    for (const _ of [1, 2]) expect((await post([seen({ image_id: "P3", user_id: "s2" })])).status).toBe(200);
    expect((await readAnnotations(log)).lines).toMatchObject([{ recorded: { gender: "male", race: "tan" } }]);
    const nobody = await post([seen({ id: "c", image_id: "p9" })]);
    expect([nobody.status, await code(nobody)]).toEqual([422, "ANNOTATION_PAIR"]);
  });
});
