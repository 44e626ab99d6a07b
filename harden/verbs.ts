// Every verb of the command line that writes, as it is attacked: what it is run on, what it is run again with, and what of
// it appears whole. `at` gives paths in the folder of the attempt, which is all that may change.
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { firstSubject, PRETRAINED, RELEASE, STUDY, TINY, type World } from "./world.ts";

type At = (name: string) => string;

/** A command under attack. */
export interface Verb {
  readonly name: string;
  /** How often it is drawn beside the others (1 by default). */
  readonly weight?: number | undefined;
  /** Lays what the command changes. */
  readonly prepare?: ((at: At, world: World) => Promise<void>) | undefined;
  readonly argv: (at: At, world: World) => Promise<readonly string[]>;
  /** What is added to resume, as documented; nothing if the same command does. */
  readonly again?: readonly string[] | undefined;
  /** Folders that appear whole or not at all. */
  readonly whole?: readonly string[] | undefined;
  /** Files that are replaced or appended to while it works: each is whole by itself. */
  readonly grows?: RegExp | undefined;
  /** True if it starts processes that may outlive it for a moment. */
  readonly spawns?: boolean | undefined;
}

const OUT = ["out"];
const pairsOf = async (world: World) => `pairs:${await world.pairs()}`;

/** Verbs that make one folder, whole or not at all. */
function folder(
  name: string,
  argv: (world: World, at: At) => Promise<readonly string[]>,
  more: Partial<Verb> = {},
): Verb {
  return {
    name,
    argv: async (at, world) => [...(await argv(world, at)), "--out", at("out")],
    whole: OUT,
    ...more,
  };
}

/** Verbs that write one file. */
function file(name: string, ending: string, argv: (world: World) => Promise<readonly string[]>): Verb {
  return {
    name,
    weight: 0.4,
    argv: async (at, world) => [...(await argv(world)), "--out", at(`out.${ending}`)],
  };
}

const derive = async (world: World) => ["derive", ...(await world.derivation())];

const DATA: readonly Verb[] = [
  {
    name: "demo", // everything at once, and long: seldom
    weight: 0.1,
    argv: async (at) => ["demo", "--subjects", "12", "--epochs", "1", "--out", at("out")],
    grows: /(^|\/)(log\.jsonl|(best|last)\.safetensors|features[^/]*)$/,
  },
  folder("data sample", async () => ["data", "sample", "--subjects", "2", "--frames", "1"]),
  folder("derive", derive, { weight: 3 }),
  folder("derive --threads 1 --report", async (world, at) => [
    ...(await derive(world)),
    ...["--threads", "1", "--report", at("page.html")],
  ]),
  folder("derive --shard", async (world) => [...(await derive(world)), "--shard", "1/2"]),
  folder("derive merge", async (world) => ["derive", "merge", ...(await world.shards())], { weight: 2 }),
  folder(
    "derive --decisions, erasing",
    async (world) => [...(await derive(world)), ...["--decisions", await world.erasing()]],
    {
      weight: 2,
      prepare: async (at, world) => cp(await world.pairs(), at("out"), { recursive: true }),
    },
  ),
  ...["parquet", "webdataset", "imagefolder"].flatMap((kind) => [
    folder(`data export --${kind}`, async (world) => ["data", "export", await world.pairs(), `--${kind}`]),
    folder(`data import, ${kind}`, async (world) => ["data", "import", await world.exported(kind)]),
  ]),
  folder("data export --with-removed", async (world) => [
    ...["data", "export", await world.pairs(), "--parquet", "--with-removed"],
  ]),
  {
    name: "data repair --apply",
    weight: 2,
    prepare: spoil,
    argv: async (at) => ["data", "repair", at("set"), "--apply"],
  },
];

/** Spellings that are mended, and a row whose face is lost. */
async function spoil(at: At, world: World): Promise<void> {
  await cp(await world.pairs(), at("set"), { recursive: true });
  const path = join(at("set"), "train.csv");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/Female/g, "female"));
  const lost = text.trimEnd().split("\n").at(-1)!.split(",").at(-1)!;
  await rm(join(at("set"), "images", "content", "aligned_dataset", "faces", lost));
}

/** The record, and archives that are there until they are unpacked. */
const FETCHED = /(^|\/)(fetched\.json|[^/]*\.zip)$/;
const fetching = (name: string, argv: (world: World) => Promise<readonly string[]>): Verb => ({
  name,
  argv: async (at, world) => ["data", "fetch", ...(await argv(world)), "--out", at("out")],
  grows: FETCHED,
});

const FETCH: readonly Verb[] = [
  fetching("data fetch, a folder", async (world) => [await world.bundle()]),
  fetching("data fetch, a server", async (world) => {
    await world.serve("bundle");
    return [`${world.origin}/bundle/`, "--jobs", "2"];
  }),
  fetching("data fetch, unpacked", async (world) => ["derived-hagrid", "--mirror", await world.mirror()]),
  fetching("data fetch, archives left in place", async (world) => [
    ...["derived-hagrid", "--mirror", await world.mirror(), "--keep-archives"],
  ]),
  {
    name: "model fetch",
    argv: async (at, world) => {
      await world.serve("pretrained");
      return ["model", "fetch", PRETRAINED, "--out", at("out")];
    },
  },
];

const GROWING_RUN = /(^|\/)(log\.jsonl|(best|last)\.safetensors|features[^/]*|events\.out[^/]*)$/;
const training = (name: string, more: readonly string[], weight = 1): Verb => ({
  name,
  weight,
  argv: async (at, world) => ["train", ...TINY, ...more, "--data", await pairsOf(world), "--out", at("out")],
  again: ["--resume"],
  grows: GROWING_RUN,
});

const MODELS: readonly Verb[] = [
  training("train", ["--epochs", "2"], 2),
  training("train --tensorboard", ["--epochs", "1", "--tensorboard"]),
  training("train --seeds", ["--epochs", "1", "--seeds", "1,2"]),
  {
    name: "study run",
    argv: async (at, world) => [
      "study",
      "run",
      "seeds",
      ...STUDY,
      "--data",
      await pairsOf(world),
      "--out",
      at("out"),
    ],
    grows: /(^|\/)(study\.json|log\.jsonl|(best|last)\.safetensors|features[^/]*|[^/]*\.jsonl|[^/]*\.log)$/,
    spawns: true,
  },
  {
    name: "study report",
    weight: 0.5,
    argv: async (at, world) => [
      "study",
      "report",
      await world.study(),
      "--bootstrap",
      "100",
      "--out",
      at("out"),
    ],
  },
  file("evaluate --data --out", "parquet", async (world) => [
    ...["evaluate", await world.run(), "--data", await pairsOf(world), "--bootstrap", "0"],
  ]),
  file("model card", "md", async (world) => ["model", "card", await world.run(), "--bootstrap", "100"]),
  file("model convert", "pt", async (world) => [
    ...["model", "convert", join(await world.run(), "checkpoints", "best.safetensors")],
  ]),
  ...[[], ["--fp16"], ["--int8"]].map(
    (precision): Verb => ({
      name: ["model export", ...precision].join(" "),
      weight: 0.3,
      argv: async (at, world) => [
        "model",
        "export",
        await world.run(),
        "--onnx",
        at("out.onnx"),
        ...precision,
      ],
    }),
  ),
  {
    name: "predict --pictures --csv",
    argv: async (at, world) => [
      ...["predict", await world.run(), join(await world.raw(), "stop"), "--detect", "--threads", "1"],
      ...["--pictures", at("out"), "--csv", at("table.csv")],
    ],
    whole: OUT,
  },
];

const bundle = async (world: World) => ["release", "bundle", await world.pairs(), ...RELEASE];

const PUBLISHED: readonly Verb[] = [
  folder("release bundle", bundle),
  folder("release bundle --with-removed", async (world) => [...(await bundle(world)), "--with-removed"]),
  folder("release bundle --hash-subjects", async (world) => [
    ...(await bundle(world)),
    ...["--hash-subjects", "--key", await world.key()],
  ]),
  folder("release page", async (world) => [
    ...["release", "page", await world.pairs(), ...RELEASE, "--with-pictures"],
  ]),
  folder("release space", async (world) => [
    ...["release", "space", await world.run(), "--title", "Hands and faces", "--licence", "mit"],
  ]),
  {
    name: "release retract",
    weight: 2,
    argv: async (at, world) => [
      ...["release", "retract", await world.pairs(), "--subject", await firstSubject(await world.pairs())],
      ...["--runs", await world.run(), "--out", at("out")],
    ],
    whole: OUT,
  },
  file("release card", "md", async (world) => ["release", "card", await world.pairs(), ...RELEASE]),
  file("release croissant", "json", async (world) => [
    "release",
    "croissant",
    await world.pairs(),
    ...RELEASE,
  ]),
  file("release questions", "yaml", async (world) => ["release", "questions", await world.pairs()]),
  file("derive report", "html", async (world) => ["derive", "report", await world.pairs()]),
  file("audit resolve", "csv", async (world) => ["audit", "resolve", await world.judged()]),
  file("derive labels", "csv", async (world) => ["derive", "labels", "--predictions", await world.run()]),
];

/** All of them. */
export const VERBS: readonly Verb[] = [...DATA, ...FETCH, ...MODELS, ...PUBLISHED];
