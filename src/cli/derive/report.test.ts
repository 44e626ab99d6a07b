// The page of `derive report` on a dataset whose frames stand on both sides of every rule.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frameOf, OF_ONE_FRAME, SIDES } from "../../../test/rule-sides.ts";
import { MODALITIES } from "../../core/words.ts";
import { imagePath } from "../../dataset/layout.ts";
import type { Derivation } from "../../dataset/manifest.ts";
import { RULE_NAMES, type RuleName, ruleSettings } from "../../derive/judge/clean.ts";
import { countDataset } from "../../derive/run/count.ts";
import { finish } from "../../derive/run/finish.ts";
import type { FrameResult } from "../../derive/run/journal.ts";
import { markOf, openStage, publish } from "../../derive/run/stage.ts";
import { cropName } from "../../derive/run/work.ts";
import { takeLock } from "../../machine/lock.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { hashHex } from "../../pixels/phash.ts";
import { writeLedgerReport } from "./report.ts";

let root = "";
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-report-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Perceptual hashes that are far from each other, but for flipped bits. */
function lookOf(seed: number, flips = 0): string {
  let state = seed * 2654435761 + 1;
  const hash = Uint16Array.from({ length: 16 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  });
  for (let bit = 0; bit < flips; bit++) hash[bit]! ^= 1;
  return hashHex(hash);
}

let made = 0;
function frame(imageId: string, more: Partial<FrameResult> = {}): FrameResult {
  const n = ++made;
  return {
    ...{ imageId, gesture: "palm", split: "train", userId: `user ${n}` },
    meta: { age: [24], gender: ["female"], race: [] },
    ...{ sha256: n.toString(16).padStart(64, "0"), look: lookOf(n), size: [100, 100], faces: 1 },
    ...{ faceScore: 0.9, measures: { face_sharpness: 500, hand_sharpness: 500 }, crops: ["hand", "face"] },
    ...more,
  };
}
const measured = (id: string, measures: FrameResult["measures"]) => frame(id, { measures });

/** Of each rule a frame that it removes and one that is nearest to it: the names are what the page shows below them. */
const FRAMES: readonly FrameResult[] = [
  ...OF_ONE_FRAME.flatMap((name) => {
    const [broken, kept] = SIDES[name];
    return [frame(`${name}-removed`, frameOf(broken)), frame(`${name}-kept`, frameOf(kept))];
  }),
  frame("duplicate-kept", { sha256: "f".repeat(64), look: lookOf(1000) }),
  frame("duplicate-removed", { sha256: "f".repeat(64), look: lookOf(2000) }),
  frame("near_duplicate-kept", { look: lookOf(3000) }),
  frame("near_duplicate-removed", { look: lookOf(3000, 8) }),
  frame("agreement-removed", { userId: "tie" }),
  frame("agreement-other", { userId: "tie", meta: { age: [], gender: ["male"], race: [] } }),
  frame("agreement-kept", { userId: "most" }),
  frame("most-2", { userId: "most" }),
  frame("most-3", { userId: "most", meta: { age: [], gender: ["male"], race: [] } }),
  frame("settled", { userId: "decided" }),
  frame("settled-2", { userId: "decided", meta: { age: [], gender: ["male"], race: [] } }),
  measured("restored", { face_sharpness: 2, hand_sharpness: 50 }),
  frame("taken-out"),
  frame("faceless", { reason: "no_face", crops: ["hand"] }),
  frame("coinciding", { reason: "face_too_small", detail: "eyes coincide", crops: ["hand"] }),
];

const who = { who: "me", when: "2026-03-31", why: "reviewed" };
const DERIVATION: Derivation = {
  recipe: {
    ...{
      version: 1,
      detector: { name: "annotated/1", sha256: "", inputPx: 0 },
      outside: "black",
      sizePx: 32,
    },
    face: { template: "dlib-5", padding: 0.25, filter: "bilinear" },
    hand: { crop: "box-square", margin: 0.1, filter: "bilinear" },
    jpeg: { quality: 95, chroma: "4:2:0" },
  },
  rules: ruleSettings(),
  labels: { ageEdges: [0, 18, 65] },
  selection: {
    ...{ gestures: ["palm"], seed: 1, splits: "balanced" },
    fractions: { train: 0.6, val: 0.2, test: 0.2 },
  },
  source: {
    annotations: {},
    decisions: [
      { ...who, what: "relabel", user_id: "decided", gender: "female" },
      { ...who, what: "restore", image_id: "restored" },
      { ...who, what: "remove", image_id: "taken-out" },
    ],
  },
  drawn: true,
};

/** Between the greys of two frames' crops: a shown image is recognised by them. */
const SHADE = 5;

/** Names under each image the frame that it is of. */
async function named(html: string): Promise<string> {
  let text = "";
  let from = 0;
  for (const found of html.matchAll(/src="data:image\/jpeg;base64,([^"]+)"[\s\S]*?<figcaption>palm/g)) {
    const { data } = await decodeImage(Buffer.from(found[1]!, "base64"));
    const frame = FRAMES[Math.round(data[0]! / SHADE)]!;
    text += html.slice(from, found.index) + found[0].replace(/palm$/, frame.imageId);
    from = found.index + found[0].length;
  }
  return text + html.slice(from);
}

async function page(name: string, derivation: Derivation): Promise<ReadonlyMap<string, string>> {
  const lock = await takeLock(at(name), "the dataset");
  const stage = await openStage(at(name), lock, markOf(derivation));
  await writeFile(stage.journal, FRAMES.map((of) => `${JSON.stringify(of)}\n`).join(""));
  for (const [n, { imageId, crops }] of FRAMES.entries()) {
    const crop = await encodeJpeg({
      width: 32,
      height: 32,
      data: new Uint8Array(32 * 32 * 3).fill(SHADE * n),
    });
    for (const modality of MODALITIES)
      if (crops!.includes(modality))
        await writeFile(imagePath(stage.layout, modality, cropName(modality, imageId)), crop);
  }
  await publish(stage, await countDataset(stage, await finish(stage, derivation)));
  await lock.release();
  await writeLedgerReport(at(name), at(`${name}.html`), { examples: 40 });
  const html = await named(await readFile(at(`${name}.html`), "utf8"));
  const sections = html.split("<h3>").slice(1);
  return new Map(sections.map((text) => [/^[^:<]+/.exec(text)![0], text.split("<h2>")[0]!]));
}

const captions = (text: string | undefined) =>
  [...(text ?? "").matchAll(/<figcaption>([^,<]*)/g)].map(([, frame]) => frame);

/** The two sheets of a rule's section. */
function sidesOf(section: string | undefined): {
  removed: (string | undefined)[];
  kept: (string | undefined)[];
} {
  const [removed, kept] = (section ?? "").split('<p class="soft">');
  return { removed: captions(removed), kept: captions(kept) };
}

describe("derive report", () => {
  let sections: ReadonlyMap<string, string>;
  beforeAll(async () => {
    sections = await page("all", DERIVATION);
  });

  it.each(RULE_NAMES)("shows both sides of the rule %s, as the derivation judged them", (name: RuleName) => {
    const { removed, kept } = sidesOf(sections.get(name));
    const gone = name === "agreement" ? ["agreement-removed", "agreement-other"] : [`${name}-removed`];
    expect(removed).toEqual(gone);
    if (name === "duplicate" || name === "near_duplicate") expect(kept).toEqual([`${name}-kept`]);
    else expect(kept).toContain(`${name}-kept`);
    expect(kept.filter((shown) => shown?.endsWith("-removed"))).toEqual([]);
    expect(sections.get(name)).toContain(`: ${gone.length} frames.`);
  });

  it("puts first what is nearest to a threshold", () => {
    expect(sidesOf(sections.get("blur")).kept[0]).toBe("blur-kept");
    expect(sidesOf(sections.get("agreement")).kept[0]).toBe("agreement-kept"); // 2 of 3, before those of one mind
  });

  it("shows what people decided, on no side of the rule that they overruled", () => {
    expect(captions(sections.get("removed by people"))).toEqual(["taken-out"]);
    expect(captions(sections.get("restored by people"))).toEqual(["restored"]);
    expect(captions(sections.get("relabelled by people"))).toEqual(["settled", "settled-2"]);
    const { removed, kept } = sidesOf(sections.get("blur"));
    expect([...removed, ...kept]).not.toContain("restored");
    const agreement = sidesOf(sections.get("agreement"));
    expect([...agreement.removed, ...agreement.kept]).not.toContain("settled");
  });

  it("shows frames of which no pair could be made, also where a rule has the same reason", () => {
    expect(captions(sections.get("no face"))).toEqual(["faceless"]);
    expect(captions(sections.get("face too small"))).toEqual(["coinciding"]);
    expect(sections.get("face_size")).toContain("Reason face too small: 1 frames.");
  });

  it("shows ties even if the rule is off, as no pair can be made of them", async () => {
    const off = ruleSettings(RULE_NAMES.map((name) => ({ name, threshold: null })));
    const open = await page("off", { ...DERIVATION, rules: off });
    expect(open.get("agreement")).toContain("agreement: off");
    expect(sidesOf(open.get("agreement")).removed).toEqual([
      "agreement-removed",
      "agreement-other",
      "label-removed",
    ]);
    expect(sidesOf(open.get("blur"))).toEqual({ removed: [], kept: [] });
  });
});
