import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aPair } from "../../../test/dataset.ts";
import { layPictures } from "../../../test/pictures.ts";
import { findTraces } from "../../../test/traces.ts";
import { Interrupted } from "../../core/errors.ts";
import { COLUMNS } from "../../core/words.ts";
import { openRowWriter, readRows } from "../../formats/parquet/rows.ts";
import { writeParquet } from "../../formats/parquet/write.ts";
import { sha256, sha256File, writeJson } from "../../machine/files.ts";
import { planLayout } from "../layout.ts";
import { EXPORT_KINDS } from "./common.ts";
import { exportDataset, importDataset } from "./export.ts";

let root: string;
const at = (name: string) => join(root, name);

/** Every file below a folder with its hash. */
async function snapshot(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return Promise.all(files.sort().map(async (f) => `${f.slice(dir.length)} ${sha256(await readFile(f))}`));
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-export-"));
  const many = Array.from({ length: 130 }, (_, n) => aPair(`t${n}`, `s${n % 40}`, { age: "" }));
  const odd = aPair('a.b/c "ü"', 'o"neill, "x"', { race: "very fair", gender: "female" });
  const png = { handImage: "H_p.q.png", faceImage: "F_p.q.PNG" };
  await layPictures(at("set"), {
    train: [...many, { ...odd, handImage: "H_odd.jpeg", faceImage: "F_odd.jpg" }],
    val: [aPair("v", "vera", png)],
    test: [],
  });
  await writeFile(at("set/ledger.csv"), "image_id,status,reason\nx,removed,blurred\n");
  const schema = { image_id: "string", status: "string", reason: "string?" } as const;
  await writeParquet(at("set/ledger.parquet"), schema, {
    ...{ image_id: ["x"], status: ["removed"], reason: ["blurred"] },
  });
  for (const [folder, name] of [
    ["removed_faces", "F_x.jpg"],
    ["removed_hands", "H_x.PNG"],
  ] as const) {
    await mkdir(at(`set/${folder}`));
    await writeFile(at(`set/${folder}/${name}`), `crop ${name}`);
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe.each(EXPORT_KINDS)("a dataset as %s", (kind) => {
  it("comes back file by file, byte by byte", async () => {
    const ticks = { out: 0, back: 0 };
    const note = await exportDataset(at("set"), kind, at(kind), {
      ...{ shardBytes: 100_000, withRemoved: true },
      onTotal: (pairs) => expect(pairs).toBe(132),
      onPair: () => ticks.out++,
    });
    expect(note.pairs).toEqual({ train: 131, val: 1, test: 0 });
    await importDataset(at(kind), at(`${kind}-back`), { onPair: () => ticks.back++ });
    expect(ticks).toEqual({ out: 132, back: 132 });
    expect(await snapshot(at(`${kind}-back`))).toEqual(await snapshot(at("set")));
    const shards = Object.keys(note.files).filter((name) => /train-.*\.(tar|parquet)$/.test(name));
    expect(shards.length).toBeGreaterThan(kind === "imagefolder" ? -1 : 1);
    const beside = ["ledger.csv", "ledger.parquet", "removed_faces.zip", "removed_hands.zip"];
    expect(Object.keys(note.files)).toEqual(expect.arrayContaining(beside));
    expect(await readFile(at(`${kind}/README.md`), "utf8")).toContain("`removed_faces.zip`");
  });

  it("gives the same bytes again", async () => {
    await exportDataset(at("set"), kind, at(`${kind}-2`), { shardBytes: 100_000, withRemoved: true });
    expect(await snapshot(at(`${kind}-2`))).toEqual(await snapshot(at(kind)));
  });

  it("is refused when a file of it changed", async () => {
    const note = await exportDataset(at("set"), kind, at(`${kind}-bad`));
    const name = Object.keys(note.files).find((one) => /train/.test(one))!;
    await writeFile(at(`${kind}-bad/${name}`), "other");
    await expect(importDataset(at(`${kind}-bad`), at("never"))).rejects.toThrow(
      `Expected SHA-256 ${note.files[name]} for ${at(`${kind}-bad/${name}`)}, got`,
    );
    await rm(at(`${kind}-bad/${name}`));
    await expect(importDataset(at(`${kind}-bad`), at("never"))).rejects.toThrow('got "no such file"');
    expect(await readdir(root)).not.toContain("never");
  });

  it("stops on request, and leaves nothing", async () => {
    const stop = new AbortController();
    const options = { signal: stop.signal, onPair: () => stop.abort() };
    await expect(exportDataset(at("set"), kind, at("stopped"), options)).rejects.toThrow(Interrupted);
    await expect(importDataset(at(kind), at("stopped"), options)).rejects.toThrow(Interrupted);
    expect((await readdir(root)).filter((name) => name.startsWith("stopped"))).toEqual([]);
  });
});

describe("an export whose note was written by somebody else", () => {
  const HASH = "0".repeat(64);

  it.each([
    "/etc/hostname",
    "../set/train.csv",
    "data\\x",
    "data/../../set/train.csv",
    "C:/x",
    "link",
    "up/set/train.csv",
  ])("is refused for the name %j, before anything of it is read", async (name) => {
    const dir = at("foreign");
    await exportDataset(at("set"), "parquet", dir);
    await symlink(at("set/train.csv"), join(dir, "link"));
    await symlink(root, join(dir, "up"));
    const path = join(dir, "facehand-export.json");
    const note = JSON.parse(await readFile(path, "utf8"));
    await writeJson(path, { ...note, files: { [name]: HASH, ...note.files } });
    await expect(importDataset(dir, at("never"))).rejects.toMatchObject({
      kind: "data",
      code: "PATH_OUTSIDE",
    });
    expect(await readdir(root)).not.toContain("never");
    await rm(dir, { recursive: true });
  });

  it("does not bring what a link in the place of its ledger leads to", async () => {
    const dir = at("linked");
    await exportDataset(at("set"), "parquet", dir);
    await writeFile(at("private.csv"), "mine");
    await symlink(at("private.csv"), join(dir, "manifest.json"));
    await expect(importDataset(dir, at("never"))).rejects.toMatchObject({ code: "PATH_OUTSIDE" });
    expect(await readdir(root)).not.toContain("never");
  });
});

describe("exportDataset and importDataset", () => {
  it("refuse a folder among what they read, or around it", async () => {
    for (const out of ["set/export", "set/images", "set"])
      await expect(exportDataset(at("set"), "parquet", at(out))).rejects.toMatchObject({
        code: "OUT_INSIDE",
      });
    await expect(importDataset(at("parquet"), at("parquet/back"))).rejects.toMatchObject({
      code: "OUT_INSIDE",
    });
    await expect(importDataset(at("parquet"), root)).rejects.toMatchObject({ code: "OUT_INSIDE" });
  });
});

describe("exportDataset", () => {
  it("makes shards of about the size asked for", async () => {
    await exportDataset(at("set"), "webdataset", at("shards"), { shardBytes: 60_000 });
    const tars = (await readdir(at("shards"))).filter((name) => name.startsWith("train-"));
    const sizes = await Promise.all(
      tars.map(async (name) => (await readFile(at(`shards/${name}`))).byteLength),
    );
    expect(Math.max(...sizes)).toBeLessThan(90_000);
    expect(tars.length).toBeGreaterThan(4);
  });

  it("does not export rows that cannot be trained on, nor into a folder in use", async () => {
    await layPictures(at("broken"), { train: [aPair("x", "x")], val: [], test: [] });
    await rm(join(planLayout(at("broken")).images.face, "F_x.jpg"));
    await expect(exportDataset(at("broken"), "parquet", at("y"))).rejects.toMatchObject({
      code: "IMAGE_MISSING",
    });
    await expect(exportDataset(at("set"), "parquet", at("broken"))).rejects.toMatchObject({
      code: "OUT_EXISTS",
    });
  });
});

describe("what is published", () => {
  it("holds crops that cleaning took out only if they are asked for", async () => {
    const note = await exportDataset(at("set"), "parquet", at("clean"));
    expect(Object.keys(note.files)).not.toContain("removed_faces.zip");
    expect(await findTraces(at("clean"), { crop: "crop F_x.jpg", other: "crop H_x.PNG" })).toEqual([]);
    expect(await readFile(at("clean/README.md"), "utf8")).not.toContain("removed_faces");
  });

  it("does not hold where the dataset was fetched from", async () => {
    await writeFile(at("set/fetched.json"), '{"dir":"/home/ann"}');
    await exportDataset(at("set"), "imagefolder", at("fetched"));
    await rm(at("set/fetched.json"));
    expect(await findTraces(at("fetched"), { path: "/home/ann" })).toEqual([]);
  });

  it("refuses a ledger with columns that nobody knows", async () => {
    const csv = await readFile(at("set/ledger.csv"), "utf8");
    await writeFile(at("set/ledger.csv"), csv.replace("reason", "remark"));
    await expect(exportDataset(at("set"), "parquet", at("never"))).rejects.toThrow(
      `Expected only columns that derive writes for the ledger, got "remark" (${at("set/ledger.csv")})`,
    );
    await rm(at("set/ledger.csv"));
    await expect(exportDataset(at("set"), "parquet", at("never"))).rejects.toThrow(
      `Expected ledger.csv beside ${at("set/ledger.parquet")}, got none`,
    );
    await writeFile(at("set/ledger.csv"), csv);
  });
});

describe("importDataset", () => {
  it("takes the removed crops back from archives that match the note", async () => {
    const note = await exportDataset(at("set"), "parquet", at("lost"), { withRemoved: true });
    await rm(at("lost/removed_hands.zip"));
    await expect(importDataset(at("lost"), at("never"))).rejects.toThrow(
      `Expected SHA-256 ${note.files["removed_hands.zip"]} for ${at("lost/removed_hands.zip")}, got "no such file"`,
    );
  });

  it("of the first version, which called the pictures hand and face, comes back too", async () => {
    const note = await exportDataset(at("set"), "parquet", at("new"));
    await exportDataset(at("set"), "parquet", at("old"));
    const cells = Object.fromEntries(COLUMNS.map((column) => [column, "string" as const]));
    const files: Record<string, string> = { ...note.files };
    for (const name of Object.keys(files).filter(
      (one) => one.endsWith(".parquet") && one.startsWith("data/"),
    )) {
      const rows = await openRowWriter(at(`old/${name}`), { ...cells, hand: "image", face: "image" }, {});
      const now = { ...cells, hand_image: "image", face_image: "image" } as const;
      for await (const { hand_image: hand, face_image: face, ...row } of readRows(at(`new/${name}`), now))
        await rows.add({ ...row, hand: hand!, face: face! });
      await rows.close();
      files[name] = await sha256File(at(`old/${name}`));
    }
    expect(note.format).toBe("facehand-export/2");
    await writeJson(at("old/facehand-export.json"), { ...note, files });
    await expect(importDataset(at("old"), at("never"))).rejects.toThrow(
      "parquet column not found: hand_image",
    );
    await writeJson(at("old/facehand-export.json"), { ...note, files, format: "facehand-export/1" });
    await importDataset(at("old"), at("old-back"));
    await importDataset(at("new"), at("new-back"));
    expect(await snapshot(at("old-back"))).toEqual(await snapshot(at("new-back")));
  });

  it("wants an export", async () => {
    await expect(importDataset(at("set"), at("never"))).rejects.toThrow(
      `Expected facehand-export.json in ${at("set")}, got no such file`,
    );
  });

  it("finds a changed picture of an image folder by the hash of the contents", async () => {
    await exportDataset(at("set"), "imagefolder", at("touched"));
    await writeFile(at("touched/train/hands/H_t3.jpg"), "other");
    await expect(importDataset(at("touched"), at("never"))).rejects.toThrow(
      /^Expected 131 pairs with SHA-256 [0-9a-f]{64} for train of /,
    );
  });

  it("does not follow names out of its folder", async () => {
    const note = await exportDataset(at("set"), "imagefolder", at("evil"));
    const name = "validation/metadata.parquet";
    const cells = { id: "e", user_id: "e", age: "", gender: "Male", race: "", labels: "palm" };
    const row = { ...cells, hand_image_name: "H_/../../x.jpg", face_image_name: "F_e.jpg" };
    const table = { ...row, hand_image_file_name: "h", face_image_file_name: "f" };
    await writeParquet(
      at(`evil/${name}`),
      Object.fromEntries(Object.keys(table).map((key) => [key, "string" as const])),
      Object.fromEntries(Object.entries(table).map(([key, value]) => [key, [value]])),
    );
    const files = { ...note.files, [name]: await sha256File(at(`evil/${name}`)) };
    await writeJson(at("evil/facehand-export.json"), { ...note, files });
    await expect(importDataset(at("evil"), at("never"))).rejects.toThrow(
      'Expected the file name of an image, without folders for hand_image_name, got "H_/../../x.jpg"',
    );
  });
});
