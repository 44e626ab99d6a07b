// ◇ Browser-safe. Curves of picked configurations over one another; of all of them, where they are few and none is picked.

import type { Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { type Configuration, configurations, type RunsProps } from "./configurations.ts";
import { Figures } from "./figures.tsx";
import { type Log, openLog } from "./live.ts";
import { picked } from "./table.tsx";

/** As many curves can be distinguished. */
const MOST = 4;

/** The curves. */
export function Overlay({ runs, names }: RunsProps) {
  const all = configurations(runs);
  const chosen = all.filter(({ id }) => picked().includes(id));
  const shown = (chosen.length > 0 ? chosen : all).slice(0, MOST);
  const hidden = (chosen.length > 0 ? chosen : all).length - shown.length;
  return (
    <section>
      <h2>Curves</h2>
      {hidden > 0 ? (
        <p class="soft">
          The first {MOST} of {MOST + hidden}: pick others in the table.
        </p>
      ) : null}
      <Curves key={shown.map(({ id }) => id).join()} shown={shown} names={names} />
    </section>
  );
}

interface CurvesProps {
  readonly shown: readonly Configuration[];
  readonly names: RunsProps["names"];
}

function Curves({ shown, names }: CurvesProps) {
  const [logs, setLogs] = useState<readonly (readonly Signal<Log>[])[]>([]);
  useEffect(() => {
    const opened = shown.map(({ runs }) => runs.map(openLog));
    setLogs(opened.map((seeds) => seeds.map(({ log }) => log)));
    return () => {
      for (const { close } of opened.flat()) close();
    };
  }, []);
  const series = logs.map((seeds, i) => ({
    label: names.get(shown[i]!.id)!,
    logs: seeds.map(({ value }) => value.epochs),
  }));
  const live = logs.flat().some(({ value }) => value.live);
  const faults = logs.flat().flatMap(({ value }) => value.fault?.message ?? []);
  const reached = series.map(({ logs: seeds }) => seeds.map((log) => log.length).join()).join(";");
  return (
    <>
      {live ? <p aria-live="polite">Training goes on: epochs appear as they end.</p> : null}
      {faults.length === 0 ? null : <p class="trouble">{faults[0]}</p>}
      <Figures make={(plots) => plots.overlays(series)} of={[reached, names]} />
    </>
  );
}
