// ◇ Browser-safe. Where the crops of a row are.
// Invariant: none is asked for of a frame that no crop was cut of.
import type { Modality } from "../../core/words.ts";
import { ROUTES } from "../../server/api.ts";
import { numberAt, type Table, textAt } from "../table/column.ts";
import type { Desk } from "./desk.ts";

/** The file name of a row's crop: the one of the table, or the one that derivation gives. */
export function pictureName({ columns }: Table, row: number, modality: Modality): string {
  const named = textAt(columns.get(`${modality}_picture`), row);
  if (named !== "") return named;
  return `${modality === "face" ? "F" : "H"}_${textAt(columns.get("image_id"), row)}.jpg`;
}

/** The address of a crop; undefined where there is none. */
export function pictureOf(
  { dataset, loaded }: Pick<Desk, "dataset" | "loaded">,
  row: number,
  modality: Modality,
) {
  const { columns } = loaded.table;
  if (dataset.thing.pictures === 0) return undefined;
  const isKept = textAt(columns.get("status"), row) === "kept";
  if (!isKept && Number.isNaN(numberAt(columns.get(`${modality}_sharpness`), row))) return undefined;
  return `.${ROUTES.keptPicture(dataset.thing, pictureName(loaded.table, row, modality))}`;
}
