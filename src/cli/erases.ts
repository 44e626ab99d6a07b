// The flag by which `release bundle` and `data export` refuse a dataset that somebody asked to be taken out of.
import { Option } from "commander";

/** `--decisions`. */
export const refusingOption = (): Option =>
  new Option(
    "--decisions <file>",
    "refuse a dataset that still has who or what this file of `derive --decisions` erases",
  );

/** What is said of it once nothing was found. */
export function tellErases(count: number | undefined, file: string | undefined): string[] {
  if (count === undefined) return [];
  return [
    count === 0
      ? `${file} erases nobody`
      : `nothing of the ${count} subjects and images that ${file} erases is in it`,
  ];
}
