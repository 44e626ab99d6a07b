// Names and cells that a terminal would obey or hide: every verb prints them written out, on the line where they belong.
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/cli/main.ts";
import { COLUMNS } from "../../src/core/words.ts";
import { planLayout } from "../../src/dataset/layout.ts";
import { csvText } from "../../src/formats/csv.ts";
import { writeSafetensors } from "../../src/formats/safetensors-file.ts";

/** Clears the screen, turns the line around, hides, begins a line of its own. */
const EVIL = "\u001b[2J\u009b31m\u202egnp\u2066\u200b\u00ad\ufeff\r\nFAKE all is well\u0007";
/** The colour of messages, where there is one. */
const picocolorsRed = new RegExp(
  `${String.fromCharCode(27)}\\[31m(.*?)${String.fromCharCode(27)}\\[39m`,
  "gs",
);
const QUICKLY = ["--image-size", "32", "--epochs", "1", "--threads", "1", "--workers", "1"];
let dir = "";
const at = (name: string) => join(dir, name);

/** Everything that a verb prints, colours of this program taken out. */
async function printed(...argv: readonly string[]): Promise<{ code: number; text: string }> {
  let text = "";
  const restore = (["stdout", "stderr"] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((part: string | Uint8Array) => {
      text += String(part);
      return true;
    }) as typeof write;
    return () => {
      process[name].write = write;
    };
  });
  try {
    const code = await run(argv);
    return { code, text: text.replaceAll(picocolorsRed, "$1") };
  } finally {
    for (const undo of restore) undo();
  }
}

/** Nothing but visible signs and line ends, and no line that file content began. */
function expectHarmless({ text }: { readonly text: string }, argv: readonly string[]) {
  expect(text, argv.join(" ")).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/u);
  expect(text, argv.join(" ")).not.toMatch(/^\s*FAKE/m);
  for (const line of text.split("\n")) expect(line.length, argv.join(" ")).toBeLessThan(4096);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-terminal-"));
  await run(["data", "sample", "--subjects", "4", "--frames", "1", "--out", at("raw")]);
  const landmarks = ["--face-landmarks", at("raw/face_landmarks.json")];
  const small = ["--size", "64"];
  await run([
    "derive",
    "--hagrid",
    at("raw"),
    "--gestures",
    "all",
    ...landmarks,
    ...small,
    "--out",
    at("set"),
  ]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The dataset with an evil word in each column of its first row, one dataset a column. */
async function spoilt(column: (typeof COLUMNS)[number]): Promise<string> {
  const root = at(`set-${column}`);
  await cp(at("set"), root, { recursive: true });
  const { csv, images } = planLayout(root);
  const rows = (await readFile(csv.train, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  const k = rows[0]!.indexOf(column);
  const before = rows[1]![k]!;
  rows[1]![k] = column.endsWith("_name") ? `${EVIL}.jpg` : `${before}${EVIL}`;
  await writeFile(csv.train, csvText(rows[0]!, rows.slice(1)));
  const folder = column.startsWith("hand") ? images.hand : images.face;
  if (column.endsWith("_name")) await rename(join(folder, before), join(folder, `${EVIL}.jpg`));
  return root;
}

describe("cells and names of a dataset", () => {
  it.each(COLUMNS)("%s", async (column) => {
    const root = await spoilt(column);
    await writeFile(join(planLayout(root).images.face, `orphan${EVIL}.jpg`), "x");
    const data = ["--data", `pairs:${root}`];
    const tag = ["--arch", "umcc", "--tag", "test_efficientnet.none_F0_An_Lb_Z0"];
    const release = ["--licence", "drawn", "--release", "1.0.0", "--date", "2026-11-24", "--creator", EVIL];
    for (const argv of [
      ["data", "show", root],
      ["data", "show", root, "--json"],
      ["data", "check", root],
      ["data", "check", root, "--json"],
      ["data", "repair", root],
      ["data", "repair", root, "--json"],
      ["data", "export", root, "--parquet", "--out", at(`export-${column}`)],
      ["train", ...tag, ...data, ...QUICKLY, "--out", at(`run-${column}`)],
      ["release", "card", root, ...release, "--url", "https://example.org/p"],
      ["release", "croissant", root, ...release, "--url", "https://example.org/p"],
      ["derive", "report", root, "--out", at(`report-${column}.html`)],
    ])
      expectHarmless(await printed(...argv), argv);
  });
});

describe("files whose names or contents are text", () => {
  it.each([
    ["pictures", async () => ["predict", await weights(), await folderOf("x")]],
    [
      "an image of that name",
      async () => ["predict", await weights(), join(await folderOf("x"), `${EVIL}.jpg`), "--detect"],
    ],
    ["tensors and facts", async () => ["model", "show", await weights(), "--all"]],
    [
      "annotations",
      async () => ["derive", "--hagrid", await annotated(), "--gestures", "all", "--out", at("derived")],
    ],
    ["a table of published figures", async () => ["study", "audit", await table()]],
    [
      "a study",
      async () => ["study", "plan", await studyFile(), "--data", `pairs:${at("set")}`, "--no-measure"],
    ],
    [
      "a key of a study",
      async () => ["study", "plan", await studyFile(`"${"k"}${JSON.stringify(EVIL).slice(1, -1)}": 1`)],
    ],
    ["a tree of files", async () => ["data", "fetch", await folderOf("y"), "--out", at("fetched")]],
    ["JSON", async () => ["data", "import", await notJson(), "--out", at("imported")]],
    ["words of flags", async () => ["data", "show", at(`none${EVIL}`)]],
    ["an unknown verb", async () => [EVIL]],
    ["a long value", async () => ["data", "show", at("n"), "--rows", "x".repeat(100_000)]],
  ] as const)("%s", async (_, argvOf) => {
    const argv = await argvOf();
    const result = await printed(...argv);
    expect(result.code).not.toBe(70);
    expectHarmless(result, argv);
    expect(result.text).not.toBe("");
  });
});

async function folderOf(name: string): Promise<string> {
  const folder = at(`folder-${name}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${EVIL}.jpg`), "no picture");
  return folder;
}

async function weights(): Promise<string> {
  const path = at("weights.safetensors");
  await writeSafetensors(path, [
    { name: `conv${EVIL}.weight`, dtype: "uint8", shape: [2], data: new Uint8Array(2) },
  ]);
  return path;
}

async function annotated(): Promise<string> {
  const root = at("annotated");
  await cp(at("raw"), root, { recursive: true });
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter(
    ({ name }) => name.endsWith(".json") && !/landmarks|sample/.test(name),
  )) {
    const path = join(entry.parentPath, entry.name);
    const records = JSON.parse(await readFile(path, "utf8")) as Record<string, object>;
    const odd = Object.entries(records).map(([id, record]) => [
      `${id}${EVIL}`,
      { ...record, labels: [EVIL], user_id: EVIL },
    ]);
    await writeFile(path, JSON.stringify(Object.fromEntries(odd)));
  }
  return root;
}

async function table(): Promise<string> {
  await writeFile(
    at("audit.csv"),
    csvText(
      ["name", "values", "mean"],
      [
        [EVIL, "0.91 0.92", "0.915"],
        [EVIL, "0.9", EVIL],
      ],
    ),
  );
  return at("audit.csv");
}

async function studyFile(more = ""): Promise<string> {
  const about = JSON.stringify(`First line.\nFAKE second line ${EVIL}`);
  const path = at(`study${more === "" ? "" : "-key"}.yaml`);
  const compare = `compare: [{ name: ${JSON.stringify(EVIL)}, a: { arch: umcc }, b: { arch: mag } }]`;
  const lines = [
    "name: evil",
    `about: ${about}`,
    "backbones: { test_efficientnet.none: { imageSize: 32, epochs: 1 } }",
  ];
  await writeFile(path, [...lines, "grid: { arch: [umcc, mag], gating: [soft] }", compare, more].join("\n"));
  return path;
}

async function notJson(): Promise<string> {
  const folder = at("not-json");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "facehand-export.json"), `{"format": ${JSON.stringify(EVIL)}, "${EVIL}": 1}`);
  return folder;
}
