// ◇ Browser-safe. Home: what was found under the given folders, and what is broken there and why.
import type { Thing } from "../../server/api.ts";
import { formatAddress, type View } from "../app/address.ts";
import { listing, thingsOf } from "../app/source.ts";

const SECTIONS = [
  { kind: "dataset", title: "Datasets", view: "pairs" },
  { kind: "run", title: "Runs", view: "runs" },
  { kind: "study", title: "Studies", view: "runs" },
] as const satisfies readonly { kind: Thing["kind"]; title: string; view: View }[];

/** The view. */
export function HomeView() {
  const { passedOver = [] } = listing.value ?? {};
  return (
    <>
      <h1>What is here</h1>
      {SECTIONS.map(({ kind, title, view }) => (
        <section key={kind}>
          <h2>{title}</h2>
          <ul class="things">
            {thingsOf(kind).map((thing) => (
              <li key={thing.id}>
                <a href={formatAddress({ view, thing: thing.id, choices: {} })}>{thing.place}</a>
                {thing.trouble === undefined ? null : <span class="trouble"> {thing.trouble.message}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
      {passedOver.length === 0 ? null : <p class="soft">Not looked into: {passedOver.join("; ")}</p>}
    </>
  );
}
