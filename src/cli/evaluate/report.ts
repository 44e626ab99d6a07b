// `facehand evaluate --report`: the evaluation as a page, of one run or of several seeds as one.
import { openSource } from "../../dataset/sources/sources.ts";
import type { SeedsSummary } from "../../evaluate/analysis/seed-summary.ts";
import type { ImageCounts, Summary } from "../../evaluate/analysis/summary.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { writeAtomic } from "../../machine/files.ts";
import { decodeImage, encodeJpeg } from "../../pixels/image.ts";
import { resizeBilinear } from "../../pixels/pixels.ts";
import type { Compared } from "../../report/format-against.ts";

/** Side of an image in the page, px. */
const SIDE_PX = 160;

/** What the page is made of. */
export interface Reported {
  readonly name: string;
  readonly summary: Summary;
  readonly counts: ImageCounts | undefined;
  readonly rows: readonly Prediction[];
  readonly seeds?: SeedsSummary | undefined;
  /** Another model on the same images. */
  readonly against?: Compared | undefined;
  /** Sources whose images are at hand; without any, mistakes are named only. */
  readonly data: readonly string[];
}

/** Writes the page. @param path - HTML file */
export async function writeEvaluationPage(path: string, reported: Reported): Promise<void> {
  // Figures need 300 modules, which evaluations without a page do not load.
  const { evaluationPage, worstMistakes } = await import("../../report/evaluation-page.ts");
  const { formatHeading } = await import("../../report/format.ts");
  const { name, summary, counts, rows, seeds, against, data } = reported;
  const paths = await pathsOf(data);
  const mistakes = [];
  for (const row of worstMistakes(rows, summary.threshold)) {
    const file = paths.get(`${row.source}:${row.id}`);
    mistakes.push({ row, picture: file === undefined ? undefined : await thumbnail(file) });
  }
  const heading = formatHeading(summary, counts);
  await writeAtomic(path, evaluationPage({ name, heading, rows, summary, seeds, against, mistakes }));
}

async function pathsOf(data: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const sources = await Promise.all(data.map(openSource));
  const samples = sources.flatMap((source) => source.samples);
  return new Map(samples.map(({ source, id, path }) => [`${source}:${id}`, path]));
}

async function thumbnail(path: string): Promise<Uint8Array> {
  const image = await decodeImage(path);
  const scale = Math.min(1, SIDE_PX / Math.max(image.width, image.height));
  const side = (px: number) => Math.max(1, Math.round(px * scale));
  return await encodeJpeg(resizeBilinear(image, side(image.width), side(image.height)));
}
