// The flag by which `release bundle` and `data export` refuse a dataset that somebody asked to be taken out of.
import { Option } from "commander";

/** `--decisions`. */
export const refusingOption = (): Option =>
  new Option(
    "--decisions <file>",
    "refuse a dataset that still contains anyone or anything that this decisions file erases",
  );

/** What is printed once nothing was found. */
export function erasesText(count: number | undefined, file: string | undefined): string[] {
  if (count === undefined) return [];
  return [
    count === 0
      ? `${file} erases nobody`
      : `none of the ${count} subjects and images that ${file} erases is in it`,
  ];
}
