import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startClock } from "../../../test/clock.ts";
import { type Hub, hashOf, startHub, status, type Trick } from "../../../test/hub.ts";
import { addCommit, commitOf, newRepo, pathsOf, type StoredFile } from "../../../test/hub-repos.ts";
import { type AppError, Interrupted } from "../../core/errors.ts";
import { Random } from "../../core/random.ts";
import { hashesOf, type PushFile } from "./plan.ts";
import { type PushOptions, push } from "./push.ts";
import { type HubRepository, parseHubName } from "./repository.ts";

const KEY = "datasets/me/pairs";
const TO: HubRepository = { type: "dataset", name: "me/pairs" };
const random = Random.of(3);
const big = (n: number) => Uint8Array.from({ length: n }, () => random.int(256));
const [ZIP, PARQUET] = [big(300_000), big(40_000)];

let hub: Hub;
let dir = "";
let round = 0;
beforeEach(async () => {
  hub = await startHub();
  dir = await mkdtemp(join(tmpdir(), "facehand-push-"));
});
afterEach(async () => {
  await hub.close();
  await rm(dir, { recursive: true });
});

/** A folder of these files with its SHA256SUMS, as a push gets it. */
async function filesOf(contents: Readonly<Record<string, string | Uint8Array>>): Promise<PushFile[]> {
  const root = join(dir, String(round++));
  const sums = Object.entries(contents).map(([name, data]) => `${hashOf(Buffer.from(data))}  ${name}\n`);
  const files: PushFile[] = [];
  for (const [name, data] of Object.entries({ ...contents, SHA256SUMS: sums.join("") })) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
    files.push({ name, path, ...(await hashesOf(path, Buffer.from(data).byteLength)) });
  }
  return files;
}

const FIRST = { "release.json": "{}", "README.md": "# Pairs\n", "all.zip": ZIP, "data/a.parquet": PARQUET };
const send = (files: readonly PushFile[], options: Partial<PushOptions> = {}, to = TO) =>
  push(to, files, {
    ...{ endpoint: hub.endpoint, token: hub.writer, waitMs: 1, message: "a push", marker: "release.json" },
    ...options,
  });
const repo = () => hub.repos.get(KEY)!;
const bytesAt = (path: string) => Buffer.from(commitOf(repo(), "main")!.files.get(path)!.bytes);
const asked = (method: string) => hub.seen.filter((one) => one.method === method).map(({ path }) => path);

/** Puts somebody else's commit on main. */
function change(path: string, text: string | undefined): void {
  const files = new Map<string, StoredFile>(commitOf(repo(), "main")!.files);
  if (text === undefined) files.delete(path);
  else files.set(path, { bytes: Buffer.from(text), large: false });
  addCommit(repo(), "main", "by hand", files);
}

async function fails(work: Promise<unknown>, code: string, message: RegExp, hint: RegExp): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e as AppError,
  );
  expect(error).toMatchObject({ name: "AppError", code });
  expect(error!.message).toMatch(message);
  expect(error!.hint).toMatch(hint);
  expect(error!.describe()).not.toContain(hub.writer);
  expect(error!.describe()).not.toContain("signature");
  return error!;
}

describe("a push", () => {
  it("makes the repository and sends all files, large ones to the storage and without the token", async () => {
    const shown: [number, number][] = [];
    const done = await send(await filesOf(FIRST), { onProgress: (...at) => shown.push(at) });
    const paths = [".gitattributes", "README.md", "SHA256SUMS", "all.zip", "data/a.parquet", "release.json"];
    expect(pathsOf(repo())).toEqual(paths);
    expect(bytesAt("all.zip").equals(ZIP)).toBe(true);
    expect(bytesAt("README.md").toString()).toBe("# Pairs\n");
    const { oid, title } = commitOf(repo(), "main")!;
    expect(done).toMatchObject({
      made: true,
      commit: oid,
      branch: "main",
      repository: "hf:datasets/me/pairs",
    });
    expect([title, done.url, repo().private]).toEqual(["a push", `${hub.endpoint}/datasets/me/pairs`, false]);
    const toCdn = hub.seen.filter(({ server }) => server === "cdn");
    expect(toCdn.map(({ method, authorization }) => [method, authorization])).toEqual([
      ["PUT", undefined],
      ["PUT", undefined],
    ]);
    const total = done.send.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(shown.at(-1)![1]).toBe(total);
    expect(shown.every(([bytes], i) => bytes <= total && (i === 0 || bytes >= 0))).toBe(true);
  });

  it("sends nothing where the hub has everything, and only what differs where it has not", async () => {
    const files = await filesOf(FIRST);
    const { commit } = await send(files);
    const before = hub.putBytes;
    expect(await send(files)).toMatchObject({ commit, send: [], remove: [], made: false });
    expect(asked("POST").filter((path) => path.includes("/commit/"))).toHaveLength(1);
    const next = await filesOf({ "release.json": "{}", "README.md": "# Other\n", "all.zip": ZIP });
    const done = await send(next);
    expect(done.send.map(({ name }) => name)).toEqual(["README.md", "SHA256SUMS"]);
    expect(done.remove.map(({ path }) => path)).toEqual(["data/a.parquet"]);
    expect(done.keep.map(({ name }) => name)).toEqual(["release.json", "all.zip"]);
    expect(pathsOf(repo())).toEqual([".gitattributes", "README.md", "SHA256SUMS", "all.zip", "release.json"]);
    expect(hub.putBytes).toBe(before);
  });

  it("sends parts of a large object, and reads listings of several pages", async () => {
    [hub.partBytes, hub.pageSize] = [100_000, 2];
    const files = await filesOf(FIRST);
    await send(files);
    expect(asked("PUT")).toHaveLength(4);
    expect(bytesAt("all.zip").equals(ZIP)).toBe(true);
    expect((await send(files)).send).toEqual([]);
  });

  it("sends a large object again after a cut, and no object twice when it is run again", async () => {
    hub.cutPutAfter = 100_000;
    await send(await filesOf({ ...FIRST, "one.bin": big(10) }));
    expect(bytesAt("all.zip").equals(ZIP)).toBe(true);
    const more = await filesOf({ ...FIRST, "b.bin": big(60_000), "c.bin": big(250_000) });
    const before = hub.putBytes;
    hub.cutPutAfter = 200_000; // of c.bin alone
    const fault = fails(send(more, { retries: 0 }), "REMOTE_UNREACHABLE", /^Expected an answer of/, /again/);
    await fault;
    expect(pathsOf(repo())).not.toContain("b.bin");
    const cut = hub.putBytes - before;
    await send(more);
    expect(bytesAt("c.bin").byteLength).toBe(250_000);
    expect(cut).toBeGreaterThanOrEqual(260_000); // b.bin, and what came of c.bin
    expect(hub.putBytes - before - cut).toBe(250_000); // c.bin alone
  });

  it("keeps what people have put there, unless asked to replace it", async () => {
    hub.repos.set(KEY, newRepo(false));
    change("notes.txt", "mine");
    const files = await filesOf(FIRST);
    const message =
      /^Expected hf:datasets\/me\/pairs to hold only what facehand has pushed, got another file:\n {2}notes.txt, which no push has written$/;
    await fails(send(files), "HUB_FOREIGN", message, /^--replace/);
    expect((await send(files, { replace: true })).remove.map(({ path }) => path)).toEqual(["notes.txt"]);
    change("README.md", "# Edited on the hub\n");
    expect(
      (
        await send(
          files.filter(({ name }) => name !== "README.md"),
          { replace: true },
        )
      ).send,
    ).toEqual([]);
    await send(files);
    change("README.md", "# Edited on the hub\n");
    await fails(
      send(files),
      "HUB_FOREIGN",
      /README.md, which was changed since it was pushed$/,
      /^--replace/,
    );
    change("SHA256SUMS", "no list");
    await fails(send(files), "HUB_FOREIGN", /README.md, which no push has written/, /^--replace/);
    await send(files, { replace: true });
    expect(bytesAt("README.md").toString()).toBe("# Pairs\n");
  });

  it("refuses a commit that came between, and finds its own where the answer was lost", async () => {
    const files = await filesOf(FIRST);
    const between: Trick = () => {
      change("other.txt", "x");
      return false;
    };
    hub.traps.push({ path: /\/commit\/main$/, trick: between });
    const hint = /^somebody else has written to it meanwhile: .* run the same command again$/;
    await fails(
      send(files),
      "HUB_CONFLICT",
      /to be as it was read, got 412 .*A commit has happened since/,
      hint,
    );
    const lost: Trick = (_request, response) => {
      response.writeHead = () => response;
      response.end = () => response.destroy();
      return false;
    };
    hub.traps.push({ path: /\/commit\/main$/, trick: lost });
    const { commit } = await send(files, { replace: true });
    expect(commit).toBe(commitOf(repo(), "main")!.oid);
    expect(pathsOf(repo())).not.toContain("other.txt");
  });

  it("notices a hub that holds other bytes afterwards", async () => {
    const files = await filesOf(FIRST);
    const wrong = files.map((file) =>
      file.name === "README.md" ? { ...file, gitOid: "0".repeat(40) } : file,
    );
    await fails(
      send(wrong),
      "HUB_DIFFERS",
      /to hold the bytes that were pushed, got others$/,
      /changed during/,
    );
  });

  it("makes a private repository, a branch, and refuses a public one that should be private", async () => {
    const files = await filesOf(FIRST);
    await send(files, { isPrivate: true, branch: "v2" });
    expect([repo().private, pathsOf(repo())]).toEqual([true, [".gitattributes"]]);
    expect(pathsOf(repo(), "v2")).toContain("all.zip");
    expect((await send(files, { isPrivate: true })).made).toBe(false);
    hub.repos.set(KEY, newRepo(false));
    await fails(send(files, { isPrivate: true }), "HUB_PUBLIC", /got "a public one"$/, /in its settings/);
  });

  it("writes nothing in a dry run, for which it needs no token", async () => {
    const files = await filesOf(FIRST);
    const dry = { dryRun: true, token: "" };
    expect(await send(files, dry)).toMatchObject({ made: true, commit: null, keep: [], remove: [] });
    await send(files);
    const before = asked("POST").length;
    const next = await filesOf({ "release.json": "{}", "README.md": "#\n", "all.zip": ZIP });
    const plan = await send(next, dry);
    expect(plan.send.map(({ name }) => name)).toEqual(["README.md", "SHA256SUMS"]);
    expect(plan.remove.map(({ path }) => path)).toEqual(["data/a.parquet"]);
    expect([plan.made, asked("POST").length]).toEqual([false, before]);
  });
});

describe("a hub that refuses", () => {
  it("names who may not, and what to do", async () => {
    const files = await filesOf(FIRST);
    await fails(
      send(files, { token: "" }),
      "HF_TOKEN",
      /^Expected a token that may write to hf:datasets/,
      /export HF_TOKEN/,
    );
    const other = send(files, { token: "hf_somebodyelsesomebody" });
    await fails(
      other,
      "REMOTE_DENIED",
      /accepts for hf:datasets\/me\/pairs, got 401 .*\(Invalid username/,
      /^make a new token/,
    );
    const mine = parseHubName("hf:datasets/you/pairs", "dataset");
    const forbidden =
      /^Expected the right to write to hf:datasets\/you\/pairs, got 403 .*\(You don't have the rights .* \(token …\)\)$/;
    await fails(send(files, {}, mine), "REMOTE_FORBIDDEN", forbidden, /write access/);
    expect(hub.repos.size).toBe(0);
    hub.traps.push({ path: /preupload/, trick: status(404) });
    await fails(
      send(files),
      "REMOTE_NOT_FOUND",
      /^Expected hf:datasets\/me\/pairs to be on the hub, got 404/,
      /check the name/,
    );
    hub.traps.push({
      path: /preupload/,
      trick: status(422, { "content-type": "application/json" }, '{"error":"odd"}'),
    });
    await fails(send(files), "REMOTE_STATUS", /preupload\/main, got 422 .*\(odd\)$/, /says/);
  });

  it("is waited for as long as it asks, and no longer", async () => {
    const files = await filesOf(FIRST);
    const clock = startClock();
    const waits: number[] = [];
    const onWait = (ms: number) => {
      waits.push(ms);
      setImmediate(() => clock.pass(ms));
    };
    hub.traps.push({ path: /preupload/, trick: status(429, { "retry-after": "7" }) });
    hub.traps.push({ path: /preupload/, trick: status(503) });
    await send(files, { clock, onWait });
    expect(waits).toEqual([7000, 2]);
    const busy = await filesOf({ ...FIRST, "x.bin": big(10) });
    hub.traps.push({ path: /batch$/, trick: status(429, { "retry-after": "400" }) });
    await fails(
      send(busy),
      "REMOTE_BUSY",
      /^Expected the hub to answer, got 429/,
      /^wait 400 s, as the hub asks.*not sent twice$/,
    );
    hub.traps.push(...[1, 2].map(() => ({ path: /batch$/, trick: status(502) })));
    await fails(send(busy, { retries: 1 }), "REMOTE_BUSY", /got 502/, /^the hub has a fault of its own/);
  });

  it("is taken for no hub where its answers are no hub's", async () => {
    const files = await filesOf(FIRST);
    const odd = (path: RegExp, body: string) =>
      hub.traps.push({ path, trick: status(200, { "content-type": "application/json" }, body) });
    odd(/revision\/main/, "{}");
    await fails(
      send(files),
      "HUB_ANSWER",
      /^Expected an answer of the hub's API for hf:datasets\/me\/pairs/,
      /HF_ENDPOINT/,
    );
    odd(/revision\/main/, "<html>");
    await fails(send(files), "HUB_ANSWER", /^Expected an answer/, /HF_ENDPOINT/);
    await send(files);
    odd(/tree/, '[{"type":"file","path":"a","size":-1,"oid":"x"}]');
    await fails(send(files), "HUB_ANSWER", /^Expected an answer/, /HF_ENDPOINT/);
  });

  it("is not believed where it lists nothing, or ends before its last file", async () => {
    await send(await filesOf(FIRST));
    change("notes.txt", "somebody's");
    const before = commitOf(repo(), "main")!.oid;
    const files = await filesOf({ ...FIRST, "notes.txt": "ours" });
    const empty = status(200, { "content-type": "application/json" }, "[]");
    const absent = /^Expected an answer of the hub's API for .*, got "?a list of its files without/;
    hub.traps.push({ path: /tree/, trick: empty });
    await fails(send(files), "HUB_ANSWER", absent, /HF_ENDPOINT/);
    hub.pageSize = 2;
    hub.traps.push({ path: /tree.*cursor=2/, trick: empty });
    await fails(send(files), "HUB_ANSWER", absent, /HF_ENDPOINT/);
    expect(commitOf(repo(), "main")!.oid).toBe(before);
    await fails(send(files), "HUB_FOREIGN", /hold only what facehand has pushed/, /--replace/);
  });

  it("is left when its user stops it, and silence has an end", async () => {
    const files = await filesOf(FIRST);
    const stop = new AbortController();
    const trick: Trick = () => {
      stop.abort();
      return true;
    };
    hub.traps.push({ path: /^\/lfs\//, trick });
    await expect(send(files, { signal: stop.signal })).rejects.toThrow(Interrupted);
    const clock = startClock();
    let passing: NodeJS.Timeout | undefined; // again and again: what is still being sent starts the wait anew
    const silent: Trick = () => {
      passing ??= setInterval(() => clock.pass(60_000), 5);
      return true;
    };
    hub.traps.push({ path: /^\/lfs\//, trick: silent }, { path: /^\/lfs\//, trick: silent });
    await fails(
      send(files, { clock, retries: 0 }),
      "REMOTE_UNREACHABLE",
      /got none for 60 s$/,
      /check the connection/,
    );
    clearInterval(passing);
  });
});
