// The report of a derivation: one HTML file that needs nothing else, with pictures on both sides of every rule.
// Invariants: it states that it shows people where it does, and that the label is apparent; the same input gives the
// same bytes; no script, nothing of another file, and no links but to the texts of law. It is made for whoever derives, never to be published.
import { compareGroupValues } from "../../core/group-order.ts";
import { SPLITS } from "../../core/words.ts";
import { LAW_NOTE } from "../../dataset/law.ts";
import type { Manifest } from "../../dataset/manifest.ts";
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import { LABEL_NOTE } from "../figure-text.ts";
import { html, linked, type Markup, table, trusted } from "../markup.ts";
import { REPORT_CSS } from "../style.ts";
import { fewNote, LOSS_COLUMNS, LOSS_NOTES, lossTables } from "./cells.ts";
import type { Losses } from "./losses.ts";

/** The crops of one frame, JPEG bytes, with the text below them. */
export interface LedgerPicture {
  readonly hand?: Uint8Array | undefined;
  readonly face?: Uint8Array | undefined;
  readonly caption: string;
}

/** One cleaning rule with the frames nearest to its threshold. */
export interface RuleSection {
  readonly name: string;
  readonly reason: string;
  readonly title: string;
  /** Null: turned off. */
  readonly threshold: number | null;
  readonly removes: "below" | "above";
  /** It compares a frame with an earlier one. */
  readonly beside: boolean;
  /** Frames that it removed. */
  readonly removedFrames: number;
  readonly removed: readonly LedgerPicture[];
  /** Kept frames that were nearest to being removed, or that the removed ones repeat. */
  readonly kept: readonly LedgerPicture[];
}

/** Frames that have something in common. */
export interface GroupSection {
  readonly title: string;
  readonly frames: number;
  readonly pictures: readonly LedgerPicture[];
}

export interface LedgerReportInput {
  readonly manifest: Manifest;
  readonly rules: readonly RuleSection[];
  /** Frames of which no pair can be made, by reason. */
  readonly others: readonly GroupSection[];
  /** Frames that people decided about, by what they decided. */
  readonly decided: readonly GroupSection[];
  /** Kept pairs, spread over the dataset. */
  readonly kept: readonly LedgerPicture[];
  readonly losses: Losses;
}

/**
 * The report as one HTML document.
 *
 * @example await writeAtomic("report.html", ledgerReport(input))
 */
export function ledgerReport(input: LedgerReportInput): string {
  const { manifest, rules, others, decided, kept, losses } = input;
  const title = "facehand derive: what was kept, and why not the rest";
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(REPORT_CSS)}</style></head>
<body><main>
${[
  opening(manifest),
  lossSection(losses),
  html`<h2>Kept</h2><p>Pairs spread over the dataset: hand on the left, face on the right.</p>${sheet(kept)}`,
  html`<h2>Rules</h2><p>Each rule judges one number. Removed frames are shown beside the kept ones that were nearest to
its threshold, nearest first, a frame under every rule that removes it for its reason; ${"--rule name=value"} moves it, ${"--no-rule name"} turns it off.</p>`,
  ...rules.map(ruleSection),
  ...groupSections("No pair could be made", others),
  ...groupSections("Decisions", decided),
  balanceSection(manifest),
]}
</main></body></html>`.text
  }\n`;
}

function opening({ counts, drawn, recipe, recipeHash, derivationHash }: Manifest): Markup {
  const { frames, kept, removed, restored, hands, annotatedIn = {}, decisions } = counts;
  const reasons = Object.entries(removed).filter(([, n]) => n > 0);
  const back = Object.values(restored).reduce((sum, n) => sum + n, 0);
  const whom = drawn
    ? html`<strong>Nobody here is real.</strong> The source is the drawn sample.`
    : html`<strong>These are pictures of people.</strong> Keep this file where the dataset is; do not publish it.`;
  return html`<header><h1>Derivation report</h1>
<div class="note"><p>${whom}</p><p><strong>The label is not identity.</strong> ${LABEL_NOTE}</p><p>${linked(LAW_NOTE)}</p></div></header>
<div class="tiles">${[
    tile(frames, "frames"),
    tile(kept, "kept"),
    tile(frames - kept, "removed"),
    tile(back, "restored"),
    tile(decisions.frames, "frames decided by people"),
  ]}</div>
${table(
  ["reason", "frames", "share"],
  reasons.map(([reason, n]) => [reason.replaceAll("_", " "), n, percent(n / frames)]),
  "Removed, by the first reason in the order of judging",
)}
${table(["hand cut from", "frames"], Object.entries(hands), `Hands: ${recipe.hand.crop}`)}
${
  Object.keys(annotatedIn).length === 0
    ? html``
    : table(
        ["annotated in", "frames"],
        Object.entries(annotatedIn),
        "Frames that EXIF turns, by the pixels their annotation speaks of",
      )
}
<p class="soft">Recipe ${recipeHash.slice(0, 16)}, derivation ${derivationHash.slice(0, 16)}.</p>`;
}

const tile = (value: number, label: string) =>
  html`<div class="tile"><b>${value}</b><span>${label}</span></div>`;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function ruleSection(rule: RuleSection): Markup {
  const { name, reason, title, threshold, removes, beside, removedFrames, removed, kept } = rule;
  const how = threshold === null ? "off" : `removes ${removes} ${threshold}`;
  const which = beside ? "Kept, which these repeat:" : "Kept, nearest to the threshold:";
  const rest = kept.length === 0 ? html`` : html`<p class="soft">${which}</p>${sheet(kept)}`;
  return html`<h3>${name}: ${how}</h3>
<p>${title}. Reason ${reason.replaceAll("_", " ")}: ${removedFrames} frames.</p>
${sheet(removed)}${rest}`;
}

function groupSections(title: string, groups: readonly GroupSection[]): Markup[] {
  if (groups.length === 0) return [];
  return [
    html`<h2>${title}</h2>`,
    ...groups.map(
      ({ title: what, frames, pictures }) =>
        html`<h3>${what.replaceAll("_", " ")}</h3><p>${frames} frames.</p>${sheet(pictures)}`,
    ),
  ];
}

function sheet(pictures: readonly LedgerPicture[]): Markup {
  if (pictures.length === 0) return html``;
  return html`<div class="sheet">${pictures.map(
    ({ hand, face, caption }) =>
      html`<figure><div class="pair">${[picture(hand, "hand"), picture(face, "face")]}</div><figcaption>${caption}</figcaption></figure>`,
  )}</div>`;
}

function picture(jpeg: Uint8Array | undefined, what: string): Markup {
  if (jpeg === undefined) return html`<div class="soft">no ${what}</div>`;
  return html`<img alt="${what}" loading="lazy" src="data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}">`;
}

function lossSection(losses: Losses): Markup {
  const tables = lossTables(losses).map(({ title, rows }) => table([title, ...LOSS_COLUMNS], rows));
  return html`<h2>Who is lost</h2>${LOSS_NOTES.map((note) => html`<p class="soft">${note}</p>`)}
${tables}<p class="soft">${fewNote(losses)}</p>`;
}

function balanceSection({ balance, counts }: Manifest): Markup {
  const ordered = [...balance].sort((a, b) => (a.by === b.by ? compareGroupValues(a.value, b.value) : 0));
  const rows = ordered.map(({ by, value, subjects, pairs }) => [
    `${by} ${value === "" ? "unknown" : value}`,
    ...SPLITS.map((split) => `${pairs[split]} (${percent(pairs[split] / Math.max(1, counts.pairs[split]))})`),
    subjects < SMALL_SUBJECTS ? `${subjects}, too small to compare` : subjects,
  ]);
  return html`<h2>Splits</h2>${table(
    ["recorded group", ...SPLITS, "subjects"],
    [
      [
        "all",
        ...SPLITS.map((split) => counts.pairs[split]),
        SPLITS.reduce((n, split) => n + counts.subjects[split], 0),
      ],
      ...rows,
    ],
    "Pairs in each split and their share of it; no subject is in two splits",
  )}`;
}
