// ◇ Browser-safe. The frame around all views: navigation, the note on labels, what went wrong, and the keys.
import { effect, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { AuditView } from "../audit/view.tsx";
import { HomeView } from "../home/view.tsx";
import { PairsView } from "../pairs/view.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { PredictView } from "../predict/view.tsx";
import { RunsView } from "../runs/view.tsx";
import { TuneView } from "../tune/view.tsx";
import { type Address, address, formatAddress, go, titled, VIEWS, type View } from "./address.ts";
import { KeyHelp } from "./key-help.tsx";
import { type Key, listenForKeys, useKeys } from "./keys.ts";
import { LawLine } from "./law-line.tsx";
import { fault, listing, loadListing, thingOf } from "./source.ts";

const SHOWN: {
  readonly [view in View]: { readonly title: string; readonly key: string; readonly view: ComponentType };
} = {
  home: { title: "Home", key: "1", view: HomeView },
  pairs: { title: "Pairs", key: "2", view: PairsView },
  audit: { title: "Audit", key: "3", view: AuditView },
  runs: { title: "Runs", key: "4", view: RunsView },
  predict: { title: "Predict", key: "5", view: PredictView },
  tune: { title: "Tune", key: "6", view: TuneView },
};

/** Which kind of thing a view is about: it is kept when views of one kind are changed. */
const ABOUT = {
  home: undefined,
  pairs: "dataset",
  audit: "dataset",
  runs: undefined,
  predict: undefined,
  tune: "dataset",
} as const;

/** Where the navigation leads: to the same thing, if the view is about such things. */
function addressOf(view: View) {
  const thing = thingOf(address.peek().thing);
  return {
    view,
    thing: thing !== undefined && thing.kind === ABOUT[view] ? thing.id : undefined,
    choices: {},
  };
}

/** What is looked at: another one begins at its top, another filter of the same does not. */
const screenOf = ({ view, thing, choices }: Address) =>
  [view, thing, choices["queue"], choices["pair"]].join(" ");

/** The whole page. */
export function App() {
  const help = useSignal(false);
  useEffect(() => {
    listenForKeys();
    void loadListing();
    let at = "";
    const stops = [
      titled(({ view, thing }) =>
        [SHOWN[view].title, thingOf(thing)?.place, "facehand"].filter(Boolean).join(" · "),
      ),
      effect(() => {
        const now = screenOf(address.value);
        if (now !== at) document.querySelector("main")?.scrollTo(0, 0);
        at = now;
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  const views = VIEWS.filter((view) => listing.value?.views?.includes(view) ?? true);
  const asked = useComputed(() => address.value.view).value;
  const now = views.includes(asked) ? asked : views[0]!;
  const keys: Key[] = [
    ...views.map((view) => ({
      keys: [SHOWN[view].key],
      does: `go to ${SHOWN[view].title}`,
      run: () => go(addressOf(view)),
    })),
    { keys: ["?"], does: "show or hide the keys", run: () => toggle(help) },
  ];
  useKeys(keys);
  const thing = useComputed(() => address.value.thing).value;
  const Shown = SHOWN[now].view;
  return (
    <>
      <button type="button" class="skip" onClick={focusContent}>
        Skip to the content
      </button>
      <header class="top">
        <nav aria-label="Views">
          {views.map((view) => (
            <a
              key={view}
              href={formatAddress(addressOf(view))}
              aria-current={view === now ? "page" : undefined}
            >
              {SHOWN[view].title}
            </a>
          ))}
        </nav>
        <button type="button" class="plain" onClick={() => toggle(help)} aria-haspopup="dialog">
          Keys <kbd>?</kbd>
        </button>
      </header>
      <p class="label-note">{listing.value?.note}</p>
      <LawLine />
      <main id="content" tabIndex={-1}>
        {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
        {listing.value === undefined && fault.value === undefined ? (
          <p class="soft">Looking through the folders …</p>
        ) : null}
        {listing.value === undefined ? null : <Shown key={`${now}/${thing ?? ""}`} />}
      </main>
      {help.value ? <KeyHelp onClose={() => toggle(help)} /> : null}
    </>
  );
}

function toggle(on: Signal<boolean>): void {
  on.value = !on.value;
}

const focusContent = () => document.getElementById("content")?.focus();
