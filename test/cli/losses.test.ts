// A detector that does not see faces of dark skin: the report of the derivation and the datasheet of the bundle show it, though these
// frames have no face whose tone could be measured.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCsv } from "../../src/formats/csv.ts";
import { ledgerLosses } from "../../src/report/ledger/losses.ts";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

let root = "";
const at = (name: string) => join(root, name);
const HAND = "skin tone, measured: of the hand";
const FACE = "skin tone, measured: of the face, of the hand where there is none";

async function derive(out: string, faces: string): Promise<void> {
  const { code, stderr } = await runCli(
    ...["derive", "--hagrid", at("raw"), "--gestures", "all", "--size", "64", "--out", at(out)],
    ...["--face-landmarks", at(faces)],
  );
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
}

async function ledger(set: string) {
  const rows: Record<"image_id" | "ita" | "hand_ita" | "race" | "reason", string>[] = [];
  const columns = ["image_id", "ita", "hand_ita", "race", "reason"] as const;
  for await (const { values } of readCsv(at(`${set}/ledger.csv`), columns, { allowOthers: true }))
    rows.push(values);
  return rows;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-tones-"));
  await laySample(at("raw"), { subjects: 60, framesPerSubject: 1, seed: 7 });
  await derive("fair", "raw/face_landmarks.json");
  const blind = JSON.parse(await readFile(at("raw/face_landmarks.json"), "utf8"));
  for (const { image_id: id, race } of await ledger("fair"))
    if (["brown", "dark"].includes(race)) blind[id] = [];
  await writeFile(at("blind.json"), JSON.stringify(blind));
  await derive("blinded", "blind.json");
}, 180_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** Pearson's. */
function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const product = (a: readonly number[], ma: number, b: readonly number[], mb: number) =>
    mean(a.map((value, i) => (value - ma) * (b[i]! - mb)));
  return product(x, mx, y, my) / Math.sqrt(product(x, mx, x, mx) * product(y, my, y, my));
}

/** Share of failures, with its interval, of the groups of one table. */
async function failures(set: string, by: string) {
  const { tables } = await ledgerLosses(at(`${set}/ledger.csv`), { minSubjects: 3 });
  return Object.fromEntries(
    tables.find((table) => table.by === by)!.groups.map(({ value, acquire }) => [value, acquire]),
  );
}

describe("a detector that is blind to dark skin", () => {
  it("loses what the hand shows to be dark, and does not where it is not blind", async () => {
    for (const by of [HAND, FACE]) {
      const [fair, blinded] = [await failures("fair", by), await failures("blinded", by)];
      const { estimate, low } = blinded["brown"]!.interval!;
      expect(estimate, by).toBeGreaterThan(0.5);
      expect(low).toBeGreaterThan(blinded["light"]!.interval!.high!);
      expect(fair["brown"]!.interval!.estimate).toBeLessThan(0.2);
      expect(blinded["light"]!.interval!.estimate).toBeLessThan(0.2);
    }
  });

  it("measures tones of hand and face that go together, and the hand's where there is no face", async () => {
    const rows = await ledger("fair");
    const both = rows.filter(({ ita, hand_ita: hand }) => ita !== "" && hand !== "");
    expect(both.length).toBeGreaterThan(0.6 * rows.length);
    const [x, y] = (["ita", "hand_ita"] as const).map((name) => both.map((row) => Number(row[name])));
    expect(correlation(x!, y!)).toBeGreaterThan(0.8);
    const blind = (await ledger("blinded")).filter(({ race }) => race === "dark");
    expect(blind.every(({ ita }) => ita === "")).toBe(true);
    expect(blind.filter(({ hand_ita: hand }) => hand !== "").length).toBeGreaterThan(0.6 * blind.length);
  });

  it("shows in the report, and by --min-subjects how few a rate may rest on", async () => {
    const page = async (...more: readonly string[]) => {
      const { code } = await runCli("derive", "report", at("blinded"), "--out", at("page.html"), ...more);
      expect(code).toBe(0);
      return await readFile(at("page.html"), "utf8");
    };
    const text = await page("--min-subjects", "3");
    const own = text.slice(text.indexOf(HAND)).split("</table>")[0]!;
    expect(own).toMatch(/<th scope="row">brown<\/th>.*?<td>(0\.[6-9]\d\d|1\.000) \[/s);
    expect(text.includes("Failure to acquire (ISO/IEC 19795)")).toBe(true);
    expect(text.includes("not known")).toBe(true);
    expect((await page()).match(/too small/g)!.length).toBeGreaterThan(text.match(/too small/g)!.length);
  });

  it("shows in the datasheet of a bundle", async () => {
    const { code } = await runCli(
      ...[
        "release",
        "bundle",
        at("blinded"),
        "--licence",
        "drawn",
        "--release",
        "1.0.0",
        "--date",
        "2026-11-29",
      ],
      ...["--creator", "Nobody", "--url", "https://example.org/p", "--out", at("bundle")],
    );
    expect(code).toBe(0);
    const sheet = await readFile(at("bundle/DATASHEET.md"), "utf8");
    expect(sheet).toContain("### Failure to acquire and removal, by group");
    expect(sheet).toContain(`| ${HAND} | subjects | frames | failure to acquire | removed |`);
    const { all } = await ledgerLosses(at("blinded/ledger.csv"));
    expect(sheet).toMatch(new RegExp(`\\| all \\| 60 \\| ${all.frames} \\| 0\\.\\d+ `));
    expect(sheet).toMatch(/\| (brown|dark) \| \d+\\\* \| \d+ \| too small \| too small \|/);
  });
});
