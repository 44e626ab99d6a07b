// No flag is an empty promise: each changes something, or is refused where it would not (test/cli/flag-table.ts).
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/cli/table.ts";
import { imagePath, planLayout } from "../../src/dataset/layout.ts";
import { listBackends } from "../../src/engine/runtime/ort-node.ts";
import { sha256File } from "../../src/machine/files.ts";
import { drawFaces, drawPairs } from "../drawn.ts";
import { ROOT } from "../source.ts";
import { FLAG_TABLE, type Proof, REFUSED } from "./flag-table.ts";
import { runCli } from "./run.ts";

const silent = { signal: new AbortController().signal, print: () => undefined, report: () => undefined };
/** `verb --flag` of everything that the program takes. */
const FLAGS = (await commands(silent)).flatMap((command) =>
  [command, ...command.commands].flatMap((verb) => {
    const name = verb === command ? verb.name() : `${command.name()} ${verb.name()}`;
    return verb.options.flatMap(({ long }) => (long == null ? [] : [[name, long] as const]));
  }),
);
const ENTRIES = Object.entries(FLAG_TABLE).flatMap(([verb, flags]) =>
  Object.entries(flags).map(([flag, proof]) => [verb, flag, proof] as const),
);
const of = <K extends Proof["kind"]>(kind: K) =>
  ENTRIES.flatMap(([verb, flag, proof]) =>
    proof.kind === kind ? [[verb, flag, proof as Extract<Proof, { kind: K }>] as const] : [],
  );

describe("the table", () => {
  it("has every flag of every verb, and none that is gone", () => {
    const name = ([verb, flag]: readonly [string, string, ...unknown[]]) => `${verb} ${flag}`;
    expect(ENTRIES.map(name).sort()).toEqual(FLAGS.map(name).sort());
  });

  it.each(of("shown"))("%s %s: a test uses it", async (verb, flag, { by, as = flag }) => {
    const text = await readFile(join(ROOT, by), "utf8");
    expect(text.includes(as), `${by} has no ${as}`).toBe(true);
    if (as === flag && by.startsWith("test/cli/")) {
      const words = verb.split(" ").map((word) => text.includes(`"${word}"`) || text.includes(`${word} `));
      expect(words, `${by} never runs ${verb}`).not.toContain(false);
    }
  });
});

let root = "";
const at = (name: string) => join(root, name);
const TRAINING = [
  ...["--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0", "--image-size", "32", "--epochs", "2"],
  ...["--batch", "2", "--lr", "0.01", "--threads", "1", "--workers", "1"],
];
const PLACES: Readonly<Record<string, () => readonly string[]>> = {
  "{training}": () => [...TRAINING, "--out", at("refused")],
  "{frozen}": () => [...TRAINING.map((word) => word.replace("Z0", "Z2")), "--out", at("refused")],
  "{hagrid}": () => ["--hagrid", at("none"), "--gestures", "palm", "--out", at("refused")],
  "{release}": () => [
    ...["--licence", "hagrid", "--release", "1.0.0", "--date", "2026-11-24", "--creator", "N"],
    ...["--url", "https://example.org/x"],
  ],
};
const filled = (argv: readonly string[]) =>
  argv.flatMap((word) =>
    (PLACES[word]?.() ?? [word]).map((each) =>
      each.replace(/\{([a-z]+)\}/, (_, name: string) => places[name]!),
    ),
  );
let places: Record<string, string> = {};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-flags-"));
  await drawPairs(at("pairs"), { train: 2, val: 2, test: 2 });
  await drawFaces(at("faces"), 12);
  await train("base");
  const image = imagePath(planLayout(at("pairs")), "hand", "H_test0.jpg");
  places = {
    pairs: at("pairs"),
    faces: at("faces"),
    run: at("base"),
    ckpt: at("base"),
    image,
    sample: at("sample"),
  };
}, 600_000);
afterAll(() => rm(root, { recursive: true }));

/** A later flag goes before an earlier one. */
async function train(name: string, ...more: readonly string[]) {
  const data = more.includes("--modality") ? ["--data", `pairs:${at("pairs")}`] : [];
  const own = ["--data", `utkface:${at("faces")}`, ...data];
  const { code, stderr, stdout } = await runCli("train", ...TRAINING, ...own, "--out", at(name), ...more);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** What a run leaves, as far as it is figures: the last weights, and the log without times. */
async function left(name: string): Promise<string> {
  const hash = await sha256File(at(`${name}/checkpoints/best.safetensors`));
  const log = await readFile(at(`${name}/log.jsonl`), "utf8");
  return `${hash}\n${log.replace(/"(wait)?[sS]econds":[^,}]*/g, "")}`;
}

describe("flags of train change what is learnt, threads do not", { timeout: 600_000 }, () => {
  const known = new Map<string, Promise<string>>();
  /** What a training with these flags leaves, in whatever order they stand; it is done once. */
  const leftWith = (flags: readonly string[]) => {
    const key = flags
      .join(" ")
      .split(/ (?=--)/)
      .sort()
      .join(" ");
    const before = known.get(key);
    if (before !== undefined) return before;
    const name = `trained-${known.size}`;
    const made = train(name, ...flags).then(() => left(name));
    known.set(key, made);
    return made;
  };

  it.each(of("trained"))("%s %s", async (_, flag, { value, with: beside = [] }) => {
    // Both modalities in the base of the flag that leaves one out.
    const base = flag === "--modality" ? [...beside, "--data", `pairs:${at("pairs")}`] : beside;
    const before = await leftWith(base);
    expect(await leftWith([...beside, flag, ...value])).not.toBe(before);
  });

  it.each(["--threads", "--workers"])("%s", async (flag) => {
    await train(flag, flag, "2");
    const losses = (text: string) =>
      [...text.matchAll(/"trainLoss":([^,]*)/g)].map(([, loss]) => Number(loss));
    const [a, b] = [losses(await left(flag)), losses(await leftWith([]))];
    a.forEach((loss, i) => {
      expect(loss).toBeCloseTo(b[i]!, 4);
    });
  });

  it.each([
    ["train", ...TRAINING, "--data", "utkface:x", "--out", "x"],
    ["study", "run", "x", "--out", "x"],
  ])("%s --device is refused where there is none", async (...argv) => {
    const known = listBackends().map(({ name }) => name);
    const absent = ["coreml", "dml"].find((name) => !known.includes(name))!;
    const { code, stderr } = await runCli(...argv, "--device", absent);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^Expected a device that runs here for --device, got "${absent}"`));
  });

  it("--json", async () => {
    const printed = await train("json", "--json");
    expect(JSON.parse(printed).runs).toHaveLength(1);
  });
});

describe("flags of studies change the plan", () => {
  const plans = new Map<string, Promise<string[]>>();
  const plan = (...more: readonly string[]) => {
    const key = more.join(" ");
    const made = plans.get(key) ?? hashesOf(more);
    plans.set(key, made);
    return made;
  };
  const hashesOf = async (more: readonly string[]): Promise<string[]> => {
    await writeFile(
      at("study.json"),
      JSON.stringify({
        name: "small",
        backbones: { "test_efficientnet.none": null },
        train: { imageSize: 32, epochs: 2, batch: 2 },
        data: [`utkface:${at("faces")}`],
      }),
    );
    const { code, stdout, stderr } = await runCli(
      "study",
      "plan",
      at("study.json"),
      "--no-measure",
      "--json",
      ...more,
    );
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).study.cells.map(({ hash }: { hash: string }) => hash);
  };

  it.each(of("planned").filter(([verb]) => verb === "study plan"))(
    "%s %s",
    async (_, flag, { value, with: beside = [] }) => {
      expect(await plan(...beside, flag, ...value)).not.toEqual(await plan(...beside));
    },
  );

  it("run takes the same", () => {
    const planned = (verb: string) => of("planned").flatMap(([of, flag]) => (of === verb ? [flag] : []));
    expect(planned("study run")).toEqual(planned("study plan"));
  });
});

describe("flags change what is printed or written", () => {
  it.each(of("differs"))("%s %s", async (_verb, _flag, { argv, from }) => {
    const [one, other] = [await runCli(...filled(argv)), await runCli(...filled(from))];
    expect([one.code, other.code], one.stderr + other.stderr).toEqual([0, 0]);
    expect(one.stdout).not.toBe(other.stdout);
  });

  it("evaluate --out, model card --out, model export --split", async () => {
    const data = ["--data", `utkface:${at("faces")}`, "--workers", "1"];
    const out = at("rows.parquet");
    expect((await runCli("evaluate", at("base"), ...data, "--split", "val", "--out", out)).code).toBe(0);
    expect((await readFile(out)).subarray(0, 4).toString()).toBe("PAR1");
    expect(
      (await runCli("model", "card", at("base"), "--bootstrap", "100", "--out", at("card.md"))).code,
    ).toBe(0);
    expect(await readFile(at("card.md"), "utf8")).toMatch(
      /^---\nlibrary_name: facehand\n[\s\S]*?\n---\n\n# Model card: /,
    );
    const images = async (split: string) => {
      const argv = [
        "model",
        "export",
        at("base"),
        "--onnx",
        at("m.onnx"),
        ...data,
        "--split",
        split,
        "--json",
      ];
      return JSON.parse((await runCli(...argv)).stdout).cost.nImages;
    };
    expect(await images("val")).toBeLessThan(await images("train"));
  });
});

describe("flags are refused where they would do nothing", () => {
  it.each(REFUSED.map(([argv, flag]) => [argv.join(" "), argv, flag] as const))(
    "%s",
    async (_, argv, flag) => {
      const { code, stdout, stderr } = await runCli(...filled(argv));
      expect([code, stdout], stderr).toEqual([2, ""]);
      expect(stderr).toMatch(/^Expected /);
      expect(stderr.split("\n")[0]).toContain(flag === "--seed" && argv.includes("--seeds") ? "seeds" : flag);
    },
  );
});
