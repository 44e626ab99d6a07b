// The licences that a dataset of this program can be published under, and the words that go with them.
// Source: DATA-LICENSE.md, which goes into every bundle. A choice has to be made: nothing is published by default.
import { readFileSync } from "node:fs";
import { unexpected } from "../core/errors.ts";

export const LICENCES = ["hagrid", "drawn"] as const;
export type LicenceChoice = (typeof LICENCES)[number];

interface Licence {
  readonly name: string;
  readonly url: string;
  readonly attribution: string;
}

/** What each choice means. */
export const LICENCE_TEXTS: { readonly [K in LicenceChoice]: Licence } = {
  hagrid: {
    name: "HaGRID: public licence with attribution and conditions reserved, a variant of CC BY-SA 4.0",
    url: "https://github.com/hukenovs/hagrid",
    attribution:
      "Derived from HaGRID (Kapitanov et al., WACV 2024, https://arxiv.org/abs/2206.08219) and, for records with `meta`, " +
      "HaGRIDv2 (Nuzhdin et al., 2024, https://arxiv.org/abs/2412.01508); faces and hands cropped and aligned, labels " +
      "taken from its metadata; under HaGRID's licence. HaGRID's authors do not endorse this dataset.",
  },
  drawn: {
    name: "MIT",
    url: "https://spdx.org/licenses/MIT.html",
    attribution: "Drawn by facehand. Nobody shown is real.",
  },
};

/**
 * The licence that was chosen, if it can be that of this dataset.
 *
 * @param drawn - true for datasets of the drawn sample
 * @throws AppError("input", "LICENCE_CHOICE" | "LICENCE_WRONG")
 */
export function chooseLicence(choice: string | undefined, drawn: boolean): LicenceChoice {
  const found = LICENCES.find((licence) => licence === choice);
  if (found === undefined) {
    throw unexpected("input", {
      code: "LICENCE_CHOICE",
      expected: "a choice of licence, hagrid or drawn,",
      name: "--licence",
      got: choice,
      hint: "read DATA-LICENSE.md; what is derived from HaGRID is published under its licence: --licence hagrid",
    });
  }
  if ((found === "drawn") === drawn) return found;
  throw unexpected("input", {
    code: "LICENCE_WRONG",
    expected: drawn ? "drawn: nobody in this dataset is real" : "hagrid: this dataset is derived from HaGRID",
    name: "--licence",
    got: found,
    hint: `give --licence ${drawn ? "drawn" : "hagrid"}`,
  });
}

/** The page on what HaGRID's licence asks of whoever passes derived data on. */
export function dataLicenceText(): string {
  return readFileSync(new URL("../../DATA-LICENSE.md", import.meta.url), "utf8");
}
