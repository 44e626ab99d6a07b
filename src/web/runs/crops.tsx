// ◇ Browser-safe. Images of predictions as pictures, where their dataset is listed too; each leads to its pair.
import { SEXES } from "../../core/vocabulary.ts";
import { ROUTES, type Thing } from "../../server/api.ts";
import { formatAddress } from "../app/address.ts";
import { listing, urlOf } from "../app/source.ts";
import { asked } from "./answers.ts";
import type { Run } from "./configurations.ts";
import { candidatesOf, pairOf } from "./datasets.ts";
import type { PairNames } from "./decode.ts";
import type { Mistake } from "./mistakes.ts";

interface Shown {
  readonly row: Mistake["row"];
  readonly words: string;
}

interface CropsProps {
  readonly run: Run;
  readonly split: string;
  readonly shown: readonly Shown[];
}

/** The pictures. */
export function Crops({ run, split, shown }: CropsProps) {
  const place = placeOf(run, split, shown);
  return (
    <>
      {place === undefined && shown.length > 0 ? (
        <p class="soft">The dataset of these images is not among what is served: serve its folder too.</p>
      ) : null}
      <ul class="runs-crops">
        {shown.map(({ row, words }) => (
          <li key={row.id}>
            <Crop row={row} place={place} />
            <span>
              {row.modality}, recorded {SEXES[row.target]}
              <br />
              {words}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

interface Place {
  readonly dataset: Thing;
  readonly names: ReadonlyMap<string, PairNames>;
}

/** The first dataset whose table of the split has the images. */
function placeOf(run: Run, split: string, shown: readonly Shown[]): Place | undefined {
  const first = shown[0];
  if (first === undefined) return undefined;
  for (const dataset of candidatesOf(run, listing.value?.things ?? [])) {
    const url = urlOf(ROUTES.file(dataset.id, `${split}.csv`));
    const { value: names, fault } = asked(`names ${dataset.id} ${split} ${dataset.changed}`, {
      do: "names",
      url,
    }).value;
    if (names === undefined && fault === undefined) return undefined; // on its way
    if (names?.has(pairOf(first.row.id))) return { dataset, names };
  }
  return undefined;
}

function Crop({ row, place }: { readonly row: Mistake["row"]; readonly place: Place | undefined }) {
  const pair = pairOf(row.id);
  const name = place?.names.get(pair)?.[row.modality];
  if (place === undefined || name === undefined || place.dataset.pictures === 0)
    return <code class="runs-no-picture">{row.id}</code>;
  return (
    <a href={formatAddress({ view: "pairs", thing: place.dataset.id, choices: { pair: [pair] } })}>
      <img
        src={urlOf(ROUTES.keptPicture(place.dataset, name))}
        alt={`the pair of this ${row.modality}, ${pair}`}
        loading="lazy"
        decoding="async"
      />
    </a>
  );
}
