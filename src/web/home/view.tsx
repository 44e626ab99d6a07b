// ◇ Browser-safe. Home: what was found under the given folders, what is broken there and why, and how to get what is missing.
import type { Thing } from "../../server/api.ts";
import { formatAddress, type View } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { listing, loadListing, thingsOf } from "../app/source.ts";
import { Breakable } from "../parts/breakable.tsx";
import { factsOf, isOfStudy } from "./facts.ts";
import { Makers } from "./makers.tsx";

const SECTIONS = [
  { kind: "dataset", title: "Datasets", view: "pairs" },
  { kind: "run", title: "Runs", view: "runs" },
  { kind: "study", title: "Studies", view: "runs" },
] as const satisfies readonly { kind: Thing["kind"]; title: string; view: View }[];

/** The view. */
export function HomeView() {
  useKeys([{ keys: ["r"], does: "read the folders again", run: () => void loadListing() }]);
  const { passedOver = [], things = [], writes = false } = listing.value ?? {};
  return (
    <div class="home">
      <header>
        <h1>What is here</h1>
        {writes ? (
          <button type="button" onClick={() => void loadListing()}>
            Look again <kbd>r</kbd>
          </button>
        ) : null}
      </header>
      {SECTIONS.map(({ kind, title, view }) => (
        <Section key={kind} title={title} view={view} things={shownOf(kind, things)} />
      ))}
      {things.length === 0 ? <Makers /> : null}
      {passedOver.length === 0 ? null : <p class="soft">Not read: {passedOver.join("; ")}</p>}
    </div>
  );
}

/** A study's runs are shown with the study. */
function shownOf(kind: Thing["kind"], all: readonly Thing[]): readonly Thing[] {
  return thingsOf(kind).filter((thing) => kind !== "run" || !isOfStudy(thing, all));
}

interface SectionProps {
  readonly title: string;
  readonly view: View;
  readonly things: readonly Thing[];
}

function Section({ title, view, things }: SectionProps) {
  if (things.length === 0) return null;
  return (
    <section>
      <h2>
        {title} <small class="soft">{things.length}</small>
      </h2>
      <ul class="home-things">
        {things.map((thing) => (
          <Card key={thing.id} thing={thing} view={view} />
        ))}
      </ul>
    </section>
  );
}

function Card({ thing, view }: { readonly thing: Thing; readonly view: View }) {
  const { id, place, trouble, dataset, study } = thing;
  return (
    <li class="home-thing">
      <h3>
        <a href={formatAddress({ view, thing: id, choices: {} })}>{place}</a>
      </h3>
      {thing.kind === "dataset" ? (
        <p>
          <a href={formatAddress({ view: "audit", thing: id, choices: {} })}>Judge its labels</a>
        </p>
      ) : null}
      {dataset?.drawn === true ? <p class="soft">Drawn: nobody in it is real.</p> : null}
      {study === undefined ? null : <p class="soft">{study.about}</p>}
      {trouble === undefined ? null : (
        <p class="trouble">
          <strong>Broken ({trouble.code}):</strong> {trouble.message}
          {trouble.hint === undefined ? null : <span>. Try: {trouble.hint}</span>}
        </p>
      )}
      <dl>
        {factsOf(thing, listing.value?.things ?? []).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Breakable text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}
