// The report stands alone, escapes what it shows, states what it is, and takes its tables from predictions.
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { CHROMIUM, measurePage, WHY_NO_PHONE } from "../../test/phone.ts";
import { inventedLog, inventedPredictions } from "../../test/run-fixture.ts";
import { LAW_NOTE } from "../dataset/law.ts";
import { summarize } from "../evaluate/analysis/summary.ts";
import { parseTrainConfig } from "../train/config.ts";
import { type DemoReportInput, demoReport } from "./demo-page.ts";
import { LABEL_NOTE } from "./figure-text.ts";
import { linked } from "./markup.ts";

const NASTY = `<script>alert("x")</script>&'`;

function input(): DemoReportInput {
  const rows = inventedPredictions(60);
  const hash = "a".repeat(64);
  const bySplit = { train: 40, val: 8, test: 9 };
  const config = parseTrainConfig({
    arch: "mag",
    tag: "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft",
    data: ["pairs:x"],
  });
  const summary = summarize(rows, { replicates: 100, groups: [["gesture"], ["age"]] });
  return {
    sample: {
      drawn: true,
      note: "All of it is drawn.",
      version: 1,
      subjects: 60,
      framesPerSubject: 1,
      seed: 7,
      sizePx: 384,
      frames: 60,
      bad: { a: "blurred" as never },
    },
    dataset: {
      format: "facehand-dataset/2",
      drawn: true,
      licence: "none",
      recipe: {} as never,
      recipeHash: hash,
      rules: {},
      labels: { ageEdges: [0] },
      selection: {
        gestures: ["palm"],
        seed: 11,
        splits: "balanced",
        fractions: { train: 0.6, val: 0.2, test: 0.2 },
      },
      source: { annotations: {} },
      derivationHash: "b".repeat(64),
      counts: {
        frames: 60,
        kept: 57,
        removed: { no_face: 2, missing_label: 1, no_hand_box: 0 },
        restored: {},
        hands: { annotation: 58 },
        decisions: { inFile: 0, frames: 0 },
        pairs: bySplit,
        subjects: bySplit,
      },
      balance: [],
      files: {},
    },
    pairs: [
      {
        pair: { gender: "female", age: NASTY, race: "light", gesture: "palm" },
        hand: new Uint8Array([1, 2]),
        face: new Uint8Array([3]),
      },
    ],
    runs: [{ name: "MAG soft", about: "Of heads & a gate.", config, epochs: inventedLog(4), rows, summary }],
    pictures: [
      {
        jpeg: new Uint8Array([9]),
        path: "x.jpg",
        modality: "hand",
        pair: { gender: "male", gesture: "stop_inverted" },
        answers: [
          {
            model: "MAG soft",
            answer: { probability: 0.25, logit: -1.0986, modalityUsed: "hand", gateHand: 0.9 },
          },
        ],
      },
    ],
    commands: ["npx --no facehand demo > log"],
    versions: { node: "v20" },
  };
}

const page = (report: string) => parseHTML(report).document;
const cells = (row: Element | undefined) =>
  [...(row?.querySelectorAll("th, td") ?? [])].map((c) => c.textContent);

describe("demoReport", () => {
  const text = demoReport(input());
  const document = page(text);
  const row = (first: string) =>
    cells([...document.querySelectorAll("tr")].find((tr) => cells(tr)[0] === first));

  it("needs no other file: pictures are inside, and there is no script", () => {
    const law = linked(LAW_NOTE).text;
    expect(text.split(law)).toHaveLength(2);
    expect(text.replace(law, "").replaceAll("http://www.w3.org/", "")).not.toMatch(
      /https?:|url\(|@import|<link|<script|<iframe/,
    );
    const sources = [...document.querySelectorAll("img")].map((img) => img.getAttribute("src"));
    expect(sources).toEqual(["AQI=", "Aw==", "CQ=="].map((base64) => `data:image/jpeg;base64,${base64}`));
  });

  it("escapes what it shows", () => {
    expect(text).not.toContain("<script>alert");
    expect(document.querySelector(".sheet figcaption")!.textContent).toBe(`palm, female, ${NASTY}, light`);
    expect(document.querySelector("pre")!.textContent).toBe("npx --no facehand demo > log");
  });

  it("states that it is drawn and that the label is apparent", () => {
    const note = document.querySelector(".note")!.textContent;
    expect(note).toContain("All of it is drawn.");
    expect(note).toContain(LABEL_NOTE);
  });

  it("counts the ledger, without reasons that did not occur", () => {
    expect(row("all")).toEqual(["all", "60"]);
    expect(row("kept")).toEqual(["kept", "57"]);
    expect(row("removed: no face")).toEqual(["removed: no face", "2"]);
    expect(row("removed: no hand box")).toEqual([]);
    expect(row("test")).toEqual(["test", "9", "9"]);
  });

  it("takes metrics from the predictions, with images, subjects and intervals", () => {
    const { overall, byModality } = input().runs[0]!.summary;
    expect(row("images")).toEqual(["images", "120", "60", "60"]);
    const shown = [overall, ...byModality].map((part) => {
      const { low, high } = part.intervals!.balancedAccuracy;
      return `${part.metrics.balancedAccuracy!.toFixed(3)} [${low!.toFixed(3)}, ${high!.toFixed(3)}]`;
    });
    expect(row("balanced accuracy")).toEqual(["balanced accuracy", ...shown]);
  });

  it("marks groups that are too small and shows no figure of theirs", () => {
    expect(row("70+")).toEqual(["70+", "6", "6", "6 / 0", "too small", "-", "too small", "-"]);
    expect(row("palm")).toHaveLength(8);
    const titles = [...document.querySelectorAll("caption")].map((caption) => caption.textContent);
    expect(titles.filter((title) => title?.startsWith("By "))).toEqual([
      "By gesture, hands",
      "By gesture, faces",
      "By age, hands",
      "By age, faces",
    ]);
  });

  it("has seven figures a run: five, and groups of hands and of faces", () => {
    expect(document.querySelectorAll(".figures svg[role=img]")).toHaveLength(7);
  });

  it("shows predictions with what the gate did", () => {
    const text = document.querySelector(".prediction")!.textContent.replace(/\s+/g, " ");
    expect(text).toContain("male, stop inverted");
    expect(text).toContain("0.250, so female (its gate gave the hand head 90 %, so: hand)");
  });

  it("lists seeds and versions", () => {
    expect(row("sample")).toEqual(["sample", "7"]);
    expect(row("split by subject")).toEqual(["split by subject", "11"]);
    expect(row("training of MAG soft")).toEqual(["training of MAG soft", "42"]);
    expect(row("node")).toEqual(["node", "v20"]);
  });

  it.skipIf(CHROMIUM === undefined)("does not scroll sideways on a telephone", { timeout: 120_000 }, () => {
    const [run] = input().runs;
    const tag = "mobilenetv2_100.ra_in1k_F0_Af_Lb_Z0_gating=soft_seed42_and_a_long_name_of_a_further_setting";
    const long = demoReport({
      ...input(),
      runs: [{ ...run!, config: { ...run!.config, tag }, about: `${tag}.` }],
    });
    for (const widthPx of [390, 320]) {
      const { contentPx, windowPx, out } = measurePage(long, widthPx);
      expect(out).toEqual([]);
      expect(contentPx).toBe(windowPx);
    }
  });
  if (CHROMIUM === undefined) console.warn(`demo-report.test.ts: one test is skipped: it ${WHY_NO_PHONE}`);

  it("gives the same bytes again", () => {
    expect(demoReport(input())).toBe(text);
  });

  it("refuses pictures that are not drawn", () => {
    const real = { ...input(), dataset: { ...input().dataset, drawn: false } };
    expect(() => demoReport(real)).toThrow(
      expect.objectContaining({
        code: "NOT_DRAWN",
        message: 'Expected pairs derived from the drawn sample for the demo\'s report, got "real pictures"',
      }),
    );
  });
});
