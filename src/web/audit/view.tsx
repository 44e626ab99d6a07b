// ◇ Browser-safe. Audit: people judge pairs, one key a judgement; what they say goes into a log beside the dataset.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Thing } from "../../server/api.ts";
import { address } from "../app/address.ts";
import { listing, thingOf } from "../app/source.ts";
import { DatasetList } from "../parts/datasets.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { AgreementPanel } from "./agreement.tsx";
import { Judging } from "./judging.tsx";
import { NameForm } from "./name-form.tsx";
import { QueueList } from "./queue-list.tsx";
import { planOf } from "./queues/plan.ts";
import { openSession, type Session } from "./session.ts";
import { annotator } from "./who.ts";

/** The view. */
export function AuditView() {
  const thing = thingOf(address.value.thing);
  if (thing?.kind !== "dataset") return <ChooseDataset />;
  if (thing.pictures === 0) return <NoPictures place={thing.place} />;
  if (annotator.value === undefined) return <NameForm place={thing.place} />;
  const { blind } = planOf(address.value.choices);
  return (
    <Desk key={`${thing.id} ${annotator.value} ${blind}`} thing={thing} who={annotator.value} blind={blind} />
  );
}

function ChooseDataset() {
  return (
    <>
      <h1>Audit</h1>
      <p>Choose the dataset whose labels are to be judged.</p>
      <DatasetList view="audit" />
      {listing.value?.writes === false ? <p class="soft">{STATIC}</p> : null}
    </>
  );
}

/** What nobody sees, nobody can judge. */
function NoPictures({ place }: { readonly place: string }) {
  return (
    <>
      <h1>Audit of {place}</h1>
      <p>The pictures of this dataset are not here, so there is nothing to judge its labels by.</p>
    </>
  );
}

const STATIC = "These are static files: judgements stay in this browser, and can be downloaded.";

interface DeskProps {
  readonly thing: Thing;
  readonly who: string;
  readonly blind: boolean;
}

/** What one person sees of one dataset; opened and closed with it. */
function Desk({ thing, who, blind }: DeskProps) {
  const session = useSignal<Session | undefined>(undefined);
  useEffect(() => {
    const opened = openSession(thing, who, blind);
    session.value = opened;
    return () => opened.close();
  }, []);
  const now = session.value;
  const plan = planOf(address.value.choices);
  if (now === undefined) return <h1>Audit</h1>;
  if (now.fault.value !== undefined)
    return (
      <>
        <h1>Audit</h1>
        <FaultNote fault={now.fault.value} />
      </>
    );
  if (now.pairs.value === undefined || !now.whole.value)
    return (
      <>
        <h1>Audit</h1>
        <p class="soft" role="status">
          Reading pairs and judgements …
        </p>
      </>
    );
  if (plan.agreement && !blind) return <AgreementPanel session={now} />;
  if (plan.queue === undefined) return <QueueList session={now} plan={plan} />;
  return <Judging session={now} plan={{ ...plan, queue: plan.queue }} />;
}
