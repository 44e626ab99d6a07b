// One writer a folder: every verb that writes one is locked out while another process works there, and has touched nothing
// then; and processes that race for one folder leave it as one of them alone would have.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/machine/files.ts";
import { codeArgs, moduleOf } from "../process.ts";
import { runCli } from "./run.ts";
import { studyData } from "./study-data.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let root = "";
let flags: readonly string[] = [];
const at = (name: string) => join(root, name);

const RUN = [
  "--arch",
  "umcc",
  "--tag",
  "test_efficientnet.none_F1_An_Lb_Z0",
  "--image-size",
  "32",
  "--batch",
  "8",
];
const train = (...more: readonly string[]) => [
  "train",
  ...RUN,
  "--data",
  `pairs:${at("pairs")}`,
  "--epochs",
  "1",
  ...more,
];
const derive = (...more: readonly string[]) => [
  ...[
    "derive",
    "--hagrid",
    at("raw"),
    "--gestures",
    "all",
    "--face-landmarks",
    at("raw/face_landmarks.json"),
  ],
  ...["--val", "0.2", "--test", "0.2", "--size", "64", ...more],
];
const bundle = (...more: readonly string[]) => [
  ...["release", "bundle", at("pairs"), "--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24"],
  ...["--creator", "N", "--url", "https://example.org/p", ...more],
];

/** Names, sizes and bytes of all below a folder, but for files of locks. */
async function tree(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const all = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path.slice(dir.length)} ${entry.isFile() ? sha256(await readFile(path)) : ""}`;
  });
  return (await Promise.all(all)).filter((line) => !line.includes(".facehand-lock-")).sort();
}

beforeAll(async () => {
  const made = await studyData();
  flags = made.flags;
  root = await realpath(made.dir);
  for (const part of ["1", "2"]) await runCli(...derive("--shard", `${part}/2`, "--out", at(`part-${part}`)));
  await runCli("data", "export", at("pairs"), "--parquet", "--out", at("exported"));
  await runCli(...bundle("--out", at("bundle")));
  await runCli(...train("--out", at("run")));
  await runCli(
    "study",
    "run",
    "seeds",
    ...flags,
    "--seeds",
    "1",
    "--only",
    "arch=umcc",
    "--out",
    at("study"),
  );
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe("another process owns the folder's lock", () => {
  const picture = async () => {
    const faces = at("pairs/images/content/aligned_dataset/faces");
    return join(faces, (await readdir(faces))[0]!);
  };
  /** What is run, and what of it is locked: the folder `out`, unless it is named. */
  const VERBS: Readonly<Record<string, () => Promise<readonly string[]> | readonly string[]>> = {
    "data sample": () => ["data", "sample", "--subjects", "4", "--out", at("out")],
    derive: () => derive("--out", at("out")),
    "derive, by a link": () => derive("--out", at("alias")),
    "derive --shard": () => derive("--shard", "1/2", "--out", at("out")),
    "derive --executor slurm": () => derive("--executor", "slurm", "--shards", "2", "--out", at("out")),
    "derive merge": () => ["derive", "merge", at("part-1"), at("part-2"), "--out", at("out")],
    "data export --parquet": () => ["data", "export", at("pairs"), "--parquet", "--out", at("out")],
    "data export --webdataset": () => ["data", "export", at("pairs"), "--webdataset", "--out", at("out")],
    "data export --imagefolder": () => ["data", "export", at("pairs"), "--imagefolder", "--out", at("out")],
    "data import": () => ["data", "import", at("exported"), "--out", at("out")],
    "data repair --apply": () => ["data", "repair", at("pairs"), "--apply"],
    "data fetch": () => ["data", "fetch", at("bundle"), "--out", at("out")],
    "release bundle": () => bundle("--out", at("out")),
    "release bundle --hash-subjects": () => bundle("--hash-subjects", "--out", at("out")),
    train: () => train("--out", at("out")),
    "train --resume": () => train("--resume", "--out", at("run")),
    "train --seeds": () => train("--seeds", "4,5", "--out", at("seeds")),
    "study run": () => [
      "study",
      "run",
      "seeds",
      ...flags,
      "--seeds",
      "1",
      "--only",
      "arch=umcc",
      "--out",
      at("out"),
    ],
    "study report": () => ["study", "report", at("study"), "--bootstrap", "100", "--out", at("out")],
    demo: () => ["demo", "--subjects", "12", "--epochs", "1", "--out", at("out")],
    "predict --pictures": async () => [
      ...["predict", at("run"), await picture(), "--detect", "--modality", "face", "--pictures", at("out")],
    ],
    "model fetch --out": () => ["model", "fetch", "mobilenetv2_100.ra_in1k", "--out", at("out")],
  };
  let holder: ChildProcess;

  beforeAll(async () => {
    await symlink(at("out"), at("alias"));
    const owned = ["out", "out.shards", "pairs", "run", "seeds/seed_5"].map(at);
    const code = `
      import { takeLock } from ${moduleOf("machine/lock.ts")};
      for (const path of ${JSON.stringify(owned)}) await takeLock(path, path);
      process.stdout.write("owned"); setInterval(() => 0, 1e6);`;
    holder = spawn(process.execPath, codeArgs(code), { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout!, "data");
  });
  afterAll(async () => {
    holder.kill("SIGKILL");
    await once(holder, "exit");
    await rm(at("alias"));
  });

  it.each(Object.entries(VERBS))(
    "%s is refused with the process, its machine and since when, and touches nothing",
    {
      timeout: 60_000,
    },
    async (_, argv) => {
      const before = await tree(root);
      const { code, stdout, stderr } = await runCli(...(await argv()));
      expect(stderr).toMatch(
        new RegExp(`Expected .+ to be free, got process ${holder.pid} on .+ that works on it since \\d{4}-`),
      );
      expect([code, stdout]).toEqual([2, ""]);
      expect(await tree(root)).toEqual(before);
    },
  );
});

describe("an output among what is read, or in its place", () => {
  const best = () => at("run/checkpoints/best.safetensors");
  const VERBS: Readonly<Record<string, () => readonly string[]>> = {
    derive: () => derive("--out", at("raw/pairs")),
    "derive, around its frames": () => derive("--out", root),
    "derive --report": () => derive("--out", at("new"), "--report", at("new/page.html")),
    "derive report": () => ["derive", "report", at("pairs"), "--out", at("pairs/page.html")],
    "derive merge": () => ["derive", "merge", at("part-1"), at("part-2"), "--out", at("part-1/merged")],
    "data export": () => ["data", "export", at("pairs"), "--parquet", "--out", at("pairs/parquet")],
    "data import": () => ["data", "import", at("exported"), "--out", at("exported/back")],
    "data fetch": () => ["data", "fetch", at("bundle"), "--out", at("bundle/copy")],
    "data fetch --mirror": () => [
      "data",
      "fetch",
      "metrics",
      "--mirror",
      at("bundle"),
      "--out",
      at("bundle"),
    ],
    "release bundle": () => bundle("--out", at("pairs/bundle")),
    "release card": () =>
      bundle("--out", at("pairs/card.md")).map((word) => (word === "bundle" ? "card" : word)),
    train: () => train("--out", at("pairs/run")),
    "study run": () => ["study", "run", "seeds", ...flags, "--seeds", "1", "--out", at("pairs/study")],
    "study report": () => ["study", "report", at("study"), "--bootstrap", "100", "--out", at("study/runs")],
    evaluate: () => ["evaluate", at("run"), "--data", `pairs:${at("pairs")}`, "--out", at("pairs/p.parquet")],
    "model export": () => ["model", "export", best(), "--onnx", best()],
    "model convert": () => ["model", "convert", best(), "--out", best()],
  };

  it.each(Object.entries(VERBS))(
    "%s is refused, and touches nothing",
    { timeout: 60_000 },
    async (_, argv) => {
      const before = await tree(root);
      const { code, stdout, stderr } = await runCli(...argv());
      expect(stderr).toMatch(/Expected a place apart from .+, which is read, for --\w+, got/);
      expect([code, stdout]).toEqual([2, ""]);
      expect(await tree(root)).toEqual(before);
    },
  );
});

describe("processes that race for one folder", () => {
  const start = (argv: readonly string[]) => {
    const code = `const { run } = await import(${moduleOf("cli/main.ts")});
      const argv = JSON.parse(process.argv[1]);
      process.stdout.write("ready"); process.stdin.once("data", async () => {
        process.exitCode = await run(argv); process.stdin.destroy(); });`;
    return spawn(process.execPath, codeArgs(code, JSON.stringify(argv)), {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "pipe"],
    });
  };

  /** Rejects for one that ends before. */
  async function ready(child: ReturnType<typeof start>) {
    const ended = once(child, "close").then(([code]) => Promise.reject(new Error(`ended with ${code}`)));
    ended.catch(() => undefined);
    await Promise.race([once(child.stdout, "data"), ended]);
  }

  /** Starts them all, lets them go at once, and waits for their ends. */
  async function race(argv: readonly string[], of: number) {
    const children = Array.from({ length: of }, () => start(argv));
    await Promise.all(children.map(ready));
    return Promise.all(
      children.map(async (child) => {
        let stderr = "";
        child.stderr.on("data", (part) => {
          stderr += part;
        });
        child.stdin.write("go");
        const [code] = (await once(child, "close")) as [number];
        return { code, stderr };
      }),
    );
  }

  const RACES: Readonly<Record<string, () => readonly string[]>> = {
    derive: () => derive(),
    "data export --imagefolder": () => ["data", "export", at("pairs"), "--imagefolder"],
    train: () => train("--resume"),
  };

  it.each(Object.entries(RACES))(
    "%s: at least one ends well, others are refused, and the folder is that of one",
    {
      timeout: 120_000,
    },
    async (name, argv) => {
      const [out, alone] = [at(`raced ${name}`), at(`alone ${name}`)];
      expect((await runCli(...argv(), "--out", alone)).code).toBe(0);
      const ends = await race([...argv(), "--out", out], 3);
      expect(
        ends.some(({ code }) => code === 0),
        JSON.stringify(ends),
      ).toBe(true);
      for (const { code, stderr } of ends.filter((end) => end.code !== 0)) {
        expect(code).toBe(2);
        expect(stderr).toMatch(/to be free, got process \d+ on|Expected a new or empty folder for --out/);
      }
      const same = (lines: string[]) => lines.filter((line) => !/log\.jsonl|environment/.test(line)); // times
      expect(same(await tree(out))).toEqual(same(await tree(alone)));
      const beside = (await readdir(root)).filter((entry) => entry.includes(`raced ${name}`));
      expect(beside).toEqual([`raced ${name}`]);
    },
  );
});

it("a folder that another program fills meanwhile is not overwritten", async () => {
  const [out, copy] = [at("theirs"), await mkdtemp(join(tmpdir(), "facehand-theirs-"))];
  await cp(at("pairs"), join(copy, "pairs"), { recursive: true });
  await mkdir(out);
  await writeFile(join(out, "mine.txt"), "x");
  const { code, stderr } = await runCli("data", "export", join(copy, "pairs"), "--parquet", "--out", out);
  expect([code, await readdir(out)]).toEqual([2, ["mine.txt"]]);
  expect(stderr).toContain(`Expected a new or empty folder for --out, got ${out} with files in it`);
  await rm(copy, { recursive: true });
});
