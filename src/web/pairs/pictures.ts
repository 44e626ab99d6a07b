// ◇ Browser-safe. Where the crops of a row are.
// Invariant: none is asked for of a frame that no crop was cut of.
import type { Modality } from "../../core/words.ts";
import { ROUTES } from "../../server/api.ts";
import { numberAt, textAt } from "../table/column.ts";
import type { Desk } from "./desk.ts";

/** The address of a crop; undefined where there is none. */
export function pictureOf(
  { dataset, loaded }: Pick<Desk, "dataset" | "loaded">,
  row: number,
  modality: Modality,
) {
  const { columns } = loaded.table;
  if (dataset.thing.pictures === 0) return undefined;
  const named = textAt(columns.get(`${modality}_picture`), row);
  const isKept = textAt(columns.get("status"), row) === "kept";
  if (!isKept && Number.isNaN(numberAt(columns.get(`${modality}_sharpness`), row))) return undefined;
  const name =
    named === "" ? `${modality === "face" ? "F" : "H"}_${textAt(columns.get("image_id"), row)}.jpg` : named;
  return `.${ROUTES.keptPicture(dataset.thing, name)}`;
}
