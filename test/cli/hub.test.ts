// `release push`, `model push`, and what is fetched again by `hf:...`, against a server that behaves like the hub.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { eachEntry } from "../../src/formats/zip/archive-entries.ts";
import { drawPairs } from "../drawn.ts";
import { type Hub, hashOf, startHub, status } from "../hub.ts";
import { addCommit, commitOf, newRepo, pathsOf } from "../hub-repos.ts";
import { ROOT } from "../source.ts";
import { runCli } from "./run.ts";

let hub: Hub;
let dir = "";
const at = (name: string) => join(dir, name);
const DATASET = "hf:datasets/me/pairs";

beforeAll(async () => {
  hub = await startHub();
  dir = await mkdtemp(join(tmpdir(), "facehand-cli-hub-"));
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
  vi.stubEnv("HF_TOKEN", hub.writer);
  vi.stubEnv("XDG_CACHE_HOME", at("cache"));
  await drawPairs(at("pairs"), { train: 4, val: 2, test: 2 });
  await bundle("first", "1.0.0");
  await train("run");
}, 600_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(dir, { recursive: true });
});

async function bundle(out: string, release: string): Promise<void> {
  const { code, stderr } = await runCli(
    ...[
      "release",
      "bundle",
      at("pairs"),
      "--licence",
      "hagrid",
      "--release",
      release,
      "--date",
      "2026-11-24",
    ],
    ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at(out)],
  );
  expect(code, stderr).toBe(0);
}

async function train(out: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await runCli(
    ...["train", "--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0", "--image-size", "32"],
    ...[
      "--epochs",
      "1",
      "--batch",
      "4",
      "--threads",
      "1",
      "--workers",
      "1",
      "--data",
      `pairs:${at("pairs")}`,
    ],
    ...["--out", at(out), ...more],
  );
  expect(code, stderr).toBe(0);
}

const push = (...argv: readonly string[]) => runCli("release", "push", DATASET, ...argv);
const repo = (key = "datasets/me/pairs") => hub.repos.get(key)!;
const without = (paths: readonly string[]) => paths.filter((path) => path !== ".gitattributes");

/** Runs another program, while this process serves it. */
function program(name: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  return new Promise<{ code: number | string | undefined; stdout: string; stderr: string }>((resolve) => {
    execFile(name, args, { env, encoding: "utf8" }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? undefined), stdout, stderr }),
    );
  });
}

/** Hashes of the files of a folder, by name. */
async function hashes(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: Record<string, string> = {};
  for (const entry of names.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = hashOf(await readFile(path));
  }
  return found;
}

describe("facehand release push", () => {
  it("says in a dry run what it would send, and sends nothing", async () => {
    const { code, stdout, stderr } = await push(at("first"), "--dry-run");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^would send {2}ATTRIBUTION.txt {2}\d+\.\d kB$/m);
    expect(stdout).toMatch(/would send 14 files, .* 0 to be removed; the repository would be made$/m);
    expect(hub.seen.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("makes a private repository that equals the bundle", async () => {
    const { code, stdout, stderr } = await push(at("first"), "--private", "--message", "first of all");
    expect([code, stderr]).toEqual([0, ""]);
    const { oid, title, files } = commitOf(repo(), "main")!;
    expect(stdout).toContain(`${hub.endpoint}/datasets/me/pairs  commit ${oid}`);
    expect(stdout).not.toContain("history");
    expect([title, repo().private]).toEqual(["first of all", true]);
    const there = Object.fromEntries([...files].map(([path, { bytes }]) => [path, hashOf(bytes)]));
    expect(there).toMatchObject(await hashes(at("first")));
    expect(without(pathsOf(repo()))).toEqual(Object.keys(await hashes(at("first"))).sort());
  });

  it("has nothing to do the second time", async () => {
    const { code, stdout } = await push(at("first"));
    expect([code, stdout.split("\n")[0]]).toEqual([0, `${DATASET} has all 14 files already`]);
  });

  it("is fetched again as the dataset that was bundled, at that commit", async () => {
    const { code, stdout, stderr } = await runCli("data", "fetch", DATASET, "--out", at("fetched"));
    expect([code, stderr.includes("Expected")], stderr).toEqual([0, false]);
    expect(stdout).toContain("train.csv");
    const { oid } = commitOf(repo(), "main")!;
    const record = JSON.parse(await readFile(at("fetched/fetched.json"), "utf8"));
    expect(record.files["train.csv"].from).toBe(`${hub.endpoint}/datasets/me/pairs/resolve/${oid}/`);
    const images = "images/content/aligned_dataset";
    expect(await hashes(at(`fetched/${images}`))).toEqual(await hashes(at(`pairs/${images}`)));
    const cdn = hub.seen.filter(({ server }) => server === "cdn");
    expect(cdn.some(({ authorization }) => authorization !== undefined)).toBe(false);
    const { length } = hub.seen;
    const again = await runCli("data", "fetch", `${DATASET}@${oid}`, "--out", at("fetched"));
    expect([again.code, hub.seen.length]).toEqual([0, length]); // nothing is asked where the commit is named
  });

  it("is private to who may see it, also at a commit that is named", async () => {
    vi.stubEnv("HF_TOKEN", "");
    const named = await runCli("data", "fetch", DATASET, "--out", at("hidden"));
    const { oid } = commitOf(repo(), "main")!;
    const pinned = await runCli("data", "fetch", `${DATASET}@${oid}`, "--out", at("hidden"));
    vi.stubEnv("HF_TOKEN", hub.writer);
    expect([named.code, named.stderr]).toEqual([
      4,
      expect.stringMatching(
        /^Expected a token that the hub accepts for hf:datasets\/me\/pairs, got 401.*\nTry: set HF_TOKEN/s,
      ),
    ]);
    expect([pinned.code, pinned.stderr]).toEqual([
      4,
      expect.stringMatching(/^Expected access at .*SHA256SUMS, got 401 Unauthorized\nTry: set HF_TOKEN/),
    ]);
  });

  it("is read by huggingface_hub and datasets, where Python has them", async (context) => {
    const env = {
      ...process.env,
      HF_HOME: at("python"),
      HF_HUB_DISABLE_XET: "1",
      HF_HUB_DISABLE_TELEMETRY: "1",
    };
    const script = join(ROOT, "test/parity/hub.py");
    const { code, stdout, stderr } = await program("python3", [script, "me/pairs"], env);
    if (code === 77 || code === "ENOENT") context.skip("it needs Python with huggingface_hub and datasets");
    expect(code, stderr).toBe(0);
    const { hashes: found, rows, sizes } = JSON.parse(stdout);
    expect(found).toMatchObject(await hashes(at("first")));
    expect(rows).toEqual({ train: 4, validation: 2, test: 2 });
    expect(sizes).toEqual([
      [32, 32],
      [32, 32],
    ]);
  });

  it("removes what a new version has not, and says where it still is", async () => {
    await runCli(
      ...[
        "release",
        "bundle",
        at("pairs"),
        "--licence",
        "hagrid",
        "--release",
        "2.0.0",
        "--date",
        "2026-11-25",
      ],
      ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("hashed"), "--hash-subjects"],
    );
    const old = commitOf(repo(), "main")!.oid;
    const { code, stdout } = await push(at("hashed"), "--json");
    const made = JSON.parse(stdout);
    expect([code, made.dryRun, made.sent.length > 3]).toEqual([0, false, true]);
    expect(without(pathsOf(repo()))).toEqual(Object.keys(await hashes(at("hashed"))).sort());
    expect(commitOf(repo(), "main")!.title).toMatch(/ 2\.0\.0, by facehand /);
    const back = await push(at("first"));
    expect(back.stdout).toContain("stay in the repository's history");
    expect(back.stdout).toContain("super_squash_history");
    const stale = await runCli("data", "fetch", DATASET, "--out", at("fetched"));
    expect([stale.code, stale.stdout]).toEqual([3, ""]);
    expect(stale.stderr).toMatch(
      /^Expected .* to be of hf:datasets\/me\/pairs at commit [0-9a-f]{40}, got what was/,
    );
    expect(stale.stderr).toContain(`or ask for the commit that is there: ${DATASET}@${old}`);
  });

  it("takes a person who was retracted out of the repository", async () => {
    const [head, first] = (await readFile(at("pairs/train.csv"), "utf8"))
      .split("\n")
      .map((line) => line.split(","));
    const cell = (name: string) => first![head!.indexOf(name)]!;
    const images = ["hands", "faces"].map(
      (kind, i) =>
        `pairs/images/content/aligned_dataset/${kind}/${cell(i === 0 ? "hand_image_name" : "face_image_name")}`,
    );
    const pictures = await Promise.all(images.map((name) => readFile(at(name))));
    const inRepo = async () => {
      const { files } = commitOf(repo(), "main")!;
      const [all, zip] = [[...files.values()].map(({ bytes }) => Buffer.from(bytes)), at("repo.zip")];
      await writeFile(zip, files.get("aligned_dataset.zip")!.bytes);
      const names: string[] = [];
      await eachEntry(zip, async ({ fileName }) => void names.push(String(fileName)));
      const texts = [...all.map((bytes) => bytes.toString("latin1")), ...names].join("\n");
      return [
        texts.includes(cell("user_id")),
        texts.includes(cell("id")),
        pictures.some((bytes) => all.some((file) => file.includes(bytes))),
      ];
    };
    expect((await push(at("first"))).code).toBe(0);
    expect(await inRepo()).toEqual([true, true, true]);
    const made = await runCli(
      "release",
      "retract",
      at("pairs"),
      "--subject",
      cell("user_id"),
      "--out",
      at("without"),
      "--date",
      "2026-12-01",
    );
    expect(made.code, made.stderr).toBe(0);
    const bundled = await runCli(
      ...[
        "release",
        "bundle",
        at("without"),
        "--licence",
        "hagrid",
        "--release",
        "1.1.0",
        "--date",
        "2026-12-01",
      ],
      ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("retracted")],
    );
    expect(bundled.code, bundled.stderr).toBe(0);
    const { code, stdout } = await push(at("retracted"));
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("To remove them, e.g. after a withdrawal: squash"),
    ]);
    expect(await inRepo()).toEqual([false, false, false]);
    expect((await push(at("first"))).code).toBe(0); // as the tests below have it
  });

  it("pushes to a branch of its own", async () => {
    const before = commitOf(repo(), "main")!.oid;
    const { code } = await push(at("hashed"), "--branch", "v2");
    expect([code, commitOf(repo(), "main")!.oid]).toEqual([0, before]);
    expect(pathsOf(repo(), "v2")).toEqual(expect.arrayContaining(["SHA256SUMS"]));
    const { code: fetched } = await runCli("data", "fetch", `${DATASET}@v2`, "--out", at("v2"));
    expect(fetched).toBe(0);
    expect(await hashes(at("v2"))).toMatchObject({ "train.csv": (await hashes(at("hashed")))["train.csv"] });
  });

  it.each([
    [
      ["hf:me/pairs"],
      /^Expected hf:datasets\/USER\/NAME, .*got "hf:me\/pairs"\nTry: hf:datasets\/me\/pairs if it is a dataset/,
    ],
    [["hf:datasets/../pairs"], /^Expected hf:datasets\/USER\/NAME/],
    [
      ["hf:datasets/me/pairs@v1"],
      /^Expected a repository without a revision, which --branch names for the repository/,
    ],
    [["hf:datasets/me/pairs", "--branch", "a..b"], /^Expected the name of a branch for --branch, got "a..b"/],
  ])("refuses %j", async ([name, ...more], message) => {
    const { code, stdout, stderr } = await runCli("release", "push", name!, at("first"), ...more);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  it("refuses what is no bundle, or not as it was written", async () => {
    const no = await push(at("pairs"));
    expect([no.code, no.stdout]).toEqual([3, ""]);
    expect(no.stderr).toMatch(
      /^Expected a folder that release bundle wrote for .*pairs, got "one without SHA256SUMS or release.json"\nTry: facehand release bundle/,
    );
    await bundle("spoilt", "1.0.0");
    await writeFile(at("spoilt/notes.txt"), "somebody's");
    const more = await push(at("spoilt"));
    expect(more.stderr).toMatch(
      /got a file that is not:\n {2}notes.txt is not named by SHA256SUMS\nTry: write the bundle again/,
    );
    await rm(at("spoilt/notes.txt"));
    await rm(at("spoilt/DATASHEET.md"));
    expect((await push(at("spoilt"))).stderr).toMatch(/\n {2}DATASHEET.md is missing\n/);
    await bundle("edited", "1.0.0");
    await writeFile(
      at("edited/train.csv"),
      (await readFile(at("edited/train.csv"), "utf8")).replace(/e/, "E"),
    );
    expect((await push(at("edited"))).stderr).toMatch(/\n {2}train.csv is not as SHA256SUMS says\n/);
  });

  it("refuses a bundle with whom a decisions file erases", async () => {
    const user = (await readFile(at("first/train.csv"), "utf8")).split("\n")[1]!.split(",");
    const head = (await readFile(at("first/train.csv"), "utf8")).split("\n")[0]!.split(",");
    const id = user[head.indexOf("user_id")]!;
    await writeFile(
      at("decisions.csv"),
      `who,when,what,why,image_id,user_id,gender\nme,2026-04-01,erase,asked,,${id},\n`,
    );
    const { code, stderr } = await push(at("first"), "--decisions", at("decisions.csv"));
    expect([code, stderr.split(",")[0]]).toEqual([
      3,
      expect.stringMatching(/^Expected nothing in .*first of the 1 subjects/),
    ]);
    const without = at("nobody.csv");
    await writeFile(without, "who,when,what,why,image_id,user_id,gender\n");
    expect((await push(at("first"), "--decisions", without)).code).toBe(0);
  });

  it("keeps files of others, and the token to itself", async () => {
    hub.traps.push({
      path: /revision/,
      trick: status(403, { "content-type": "application/json" }, `{"error":"${hub.writer}"}`),
    });
    const denied = await push(at("first"));
    expect([denied.code, denied.stdout]).toEqual([4, ""]);
    expect(denied.stderr).not.toContain(hub.writer);
    vi.stubEnv("HF_TOKEN", "");
    const none = await push(at("first"));
    vi.stubEnv("HF_TOKEN", hub.writer);
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^Expected a token that may write to hf:datasets\/me\/pairs for HF_TOKEN, got nothing\nTry: export HF_TOKEN/,
      ),
    ]);
    const { files } = commitOf(repo(), "main")!;
    (files as Map<string, unknown>).set("theirs.txt", { bytes: Buffer.from("x"), large: false });
    const foreign = await push(at("first"));
    expect([foreign.code, foreign.stderr]).toEqual([
      2,
      expect.stringMatching(/theirs.txt, which no push has written\nTry: --replace/),
    ]);
    expect((await push(at("first"), "--replace")).code).toBe(0);
    expect(pathsOf(repo())).not.toContain("theirs.txt");
  });
});

const MODEL = "hf:me/umcc";
const pushModel = (run: string, ...more: readonly string[]) =>
  runCli("model", "push", MODEL, at(run), "--licence", "cc-by-sa-4.0", ...more);
const photo = () => at("pairs/images/content/aligned_dataset/hands/H_test0.jpg");
const predict = (model: string, ...more: readonly string[]) =>
  runCli("predict", model, photo(), "--threads", "1", "--json", ...more);
const askedHub = () => hub.seen.length;

describe("facehand model push", () => {
  it("sends checkpoint, ONNX, card and what loads them", async () => {
    const dry = await pushModel("run", "--dry-run", "--json");
    const { sent, made } = JSON.parse(dry.stdout);
    expect([dry.code, made, hub.repos.has("me/umcc")]).toEqual([0, true, false]);
    const names = [
      "DATA-LICENSE.md",
      "README.md",
      "SHA256SUMS",
      "config.json",
      "model.onnx",
      "model.safetensors",
    ];
    names.push("preprocessor_config.json");
    expect(sent.map(({ name }: { name: string }) => name)).toEqual(names);
    const { code, stdout, stderr } = await pushModel("run", "--private");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`${hub.endpoint}/me/umcc  commit ${commitOf(repo("me/umcc"), "main")!.oid}`);
    const { files, title } = commitOf(repo("me/umcc"), "main")!;
    const text = (name: string) => Buffer.from(files.get(name)!.bytes).toString();
    expect(title).toMatch(/^test_efficientnet\.none_F0_An_Lb_Z0, by facehand /);
    expect(hashOf(files.get("model.safetensors")!.bytes)).toBe(
      hashOf(await readFile(at("run/checkpoints/best.safetensors"))),
    );
    const config = JSON.parse(text("config.json"));
    expect(config).toMatchObject({
      ...{ format: "facehand-model/1", architecture: "test_efficientnet", head: "umcc", seeds: null },
      pretrained_cfg: { input_size: [3, 32, 32], interpolation: "bilinear", crop_pct: 1 },
      predicts: { threshold: 0.5, targets: [] },
      license: "cc-by-sa-4.0",
    });
    const { image_mean: mean, size } = JSON.parse(text("preprocessor_config.json"));
    expect([mean, size]).toEqual([config.pretrained_cfg.mean, { height: 32, width: 32 }]);
    const [, head] = text("README.md").split("---\n");
    const metrics = parse(head!)["model-index"][0].results[0].metrics;
    expect(parse(head!)).toMatchObject({ library_name: "facehand", license: "cc-by-sa-4.0" });
    expect(metrics[0]).toMatchObject({ type: "accuracy", args: { subjects: 2 } });
    expect(text("README.md")).toContain("facehand predict hf:me/umcc photo.jpg --detect");
    expect((await pushModel("run")).stdout).toMatch(/^hf:me\/umcc has all 7 files already/);
    expect(existsSync(at("cache/facehand/push"))).toBe(false);
  });

  it("is predicted with, from the cache after the first time, and what was pushed since only when asked", async () => {
    const own = JSON.parse((await predict(at("run"))).stdout);
    const { oid } = commitOf(repo("me/umcc"), "main")!;
    const first = await predict(MODEL);
    expect(first.code, first.stderr).toBe(0);
    const found = JSON.parse(first.stdout);
    expect(found.model.path).toBe(`${MODEL}@${oid}`);
    expect(found.predictions).toEqual(own.predictions);
    expect(found.predictions).toHaveLength(1);
    const asked = askedHub();
    expect(JSON.parse((await predict(MODEL)).stdout)).toEqual(found);
    expect(JSON.parse((await predict(`${MODEL}@${oid}`)).stdout)).toEqual(found);
    expect(askedHub()).toBe(asked);
    await train("other", "--seed", "5");
    expect((await pushModel("other")).code).toBe(0);
    const now = commitOf(repo("me/umcc"), "main")!.oid;
    expect(JSON.parse((await predict(MODEL)).stdout).model.path).toBe(`${MODEL}@${oid}`);
    const fetched = await runCli("model", "fetch", MODEL);
    expect(fetched.stdout).toMatch(
      new RegExp(`^${MODEL}  commit ${now}\ncheckpoint  .*model.safetensors\nuse `),
    );
    const other = JSON.parse((await predict(MODEL)).stdout);
    expect(other.model.path).toBe(`${MODEL}@${now}`);
    expect(other.predictions).not.toEqual(found.predictions);
  });

  it("is fetched again where it is damaged, and never used so; offline it is missing", async () => {
    const { checkpoints } = JSON.parse((await runCli("model", "fetch", MODEL, "--json")).stdout);
    const before = JSON.parse((await predict(MODEL)).stdout);
    await writeFile(checkpoints[0].path, "damaged");
    const offline = await runCli("model", "fetch", MODEL, "--offline");
    expect([offline.code, offline.stderr]).toEqual([
      3,
      expect.stringMatching(/Try: fetch it first: facehand model fetch hf:me\/umcc\n$/),
    ]);
    expect(JSON.parse((await predict(MODEL)).stdout)).toEqual(before);
    const own = await runCli("model", "fetch", MODEL, "--out", at("own"));
    expect(own.stdout).toContain(at("own"));
    const mixed = await runCli("model", "fetch", "hf:me/another", "--out", at("own"));
    expect([mixed.code, mixed.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected a folder for hf:me\/another for the folder, got "hf:me\/umcc"/),
    ]);
    const away = await runCli("model", "fetch", "hf:me/away", "--offline");
    expect([away.code, away.stdout]).toEqual([3, ""]);
  });

  it("stands where a model is named: show, export, evaluate --data", async () => {
    const shown = await runCli("model", "show", MODEL);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("test_efficientnet")]);
    const exported = await runCli("model", "export", MODEL, "--onnx", at("hub.onnx"));
    expect(exported.code, exported.stderr).toBe(0);
    const there = commitOf(repo("me/umcc"), "main")!.files.get("model.onnx")!;
    expect((await readFile(at("hub.onnx"))).equals(Buffer.from(there.bytes))).toBe(true);
    const data = ["--data", `pairs:${at("pairs")}`, "--bootstrap", "0", "--json"];
    const judged = await runCli("evaluate", MODEL, ...data);
    expect(judged.code, judged.stderr).toBe(0);
    const own = await runCli("evaluate", at("other/checkpoints/best.safetensors"), ...data);
    expect(JSON.parse(judged.stdout).overall).toEqual(JSON.parse(own.stdout).overall);
    const stored = await runCli("evaluate", MODEL);
    expect([stored.code, stored.stderr]).toEqual([
      2,
      expect.stringMatching(/^Expected --data, the images to predict, for a model of the hub/),
    ]);
  });

  it("holds all seeds, whose mean is predicted", async () => {
    await train("seeds", "--seeds", "1,2");
    const to = "hf:me/seeds";
    const made = await runCli(
      "model",
      "push",
      to,
      at("seeds"),
      "--licence",
      "a licence of ours",
      "--min-subjects",
      "1",
    );
    expect(made.code, made.stderr).toBe(0);
    const paths = pathsOf(repo("me/seeds"));
    expect(paths).toEqual(expect.arrayContaining(["seed_1/model.safetensors", "seed_2/model.onnx"]));
    const readme = Buffer.from(commitOf(repo("me/seeds"), "main")!.files.get("README.md")!.bytes).toString();
    const head = parse(readme.split("---\n")[1]!);
    expect([head.license, head.license_name]).toEqual(["other", "a licence of ours"]);
    expect(head["model-index"][0].results[0].metrics[0].args).toMatchObject({ seeds: 2, subjects: 2 });
    const [own, found] = [await predict(at("seeds")), await predict(to)];
    expect(JSON.parse(found.stdout).predictions).toEqual(JSON.parse(own.stdout).predictions);
    expect(JSON.parse(found.stdout).model.seeds).toEqual([1, 2]);
    const one = await runCli("model", "show", to);
    expect([one.code, one.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^Expected one model for hf:me\/seeds, got "those of seeds 1, 2"\nTry: give one of them by its path/,
      ),
    ]);
  });

  it("refuses a repository that it did not write, and names that cannot be", async () => {
    hub.repos.set("me/foreign", newRepo(false));
    const foreign = await predict("hf:me/foreign");
    expect([foreign.code, foreign.stderr]).toEqual([
      4,
      expect.stringMatching(/SHA256SUMS, got 404 .*\nTry: give a repository that facehand model push/),
    ]);
    const files = new Map([["SHA256SUMS", { bytes: Buffer.from(`${"0".repeat(64)}  x\n`), large: false }]]);
    addCommit(repo("me/foreign"), "main", "theirs", files);
    const other = await predict("hf:me/foreign");
    expect([other.code, other.stderr]).toEqual([
      3,
      expect.stringMatching(
        /^Expected config.json among the files that its SHA256SUMS names for hf:me\/foreign/,
      ),
    ]);
    const away = await predict("hf:me/away");
    expect([away.code, away.stderr]).toEqual([
      4,
      expect.stringMatching(/^Expected revision main of it on the hub for hf:me\/away/),
    ]);
    const name = await predict("hf:datasets/me/pairs");
    expect([name.code, name.stderr]).toEqual([2, expect.stringMatching(/^Expected hf:USER\/NAME/)]);
  });
});
