// ◇ Browser-safe. How far people agree, and what the control sample says of the labels: computed here from the log, in the words of
// `facehand audit agreement`.
import { useMemo } from "preact/hooks";
import { standing } from "../../audit/standing.ts";
import { type AuditSummary, summarizeAudit } from "../../audit/summary.ts";
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import {
  AGREEMENT_HEAD,
  AGREEMENT_NOTE,
  agreementCells,
  labelErrorText,
  logText,
  NO_AGREEMENT,
} from "../../report/audit.ts";
import { TOO_SMALL } from "../../report/figure-text.ts";
import { ROUTES } from "../../server/api.ts";
import { choose } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { faultOf, listing, urlOf } from "../app/source.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Scrolled } from "../parts/scrolled.tsx";
import type { Session } from "./session.ts";

const leave = () => choose({ panel: undefined });

/** The panel. */
export function AgreementPanel({ session }: { readonly session: Session }) {
  const lines = session.lines.value;
  const found = useMemo(() => {
    try {
      const log = standing(lines);
      return { heading: logText(log), summary: summarizeAudit(log) };
    } catch (error) {
      return { fault: faultOf(error) };
    }
  }, [lines]);
  useKeys([{ keys: ["q", "v"], does: "back to the queues", run: leave }]);
  return (
    <>
      <h1>Agreement</h1>
      {"fault" in found ? <FaultNote fault={found.fault} /> : <Told {...found} />}
      <p class="audit-tools">
        <button type="button" onClick={leave}>
          Queues <kbd>q</kbd>
        </button>{" "}
        {listing.value?.writes === true ? (
          <a href={urlOf(ROUTES.annotations(session.thing.id))} download="annotations.jsonl">
            Download the log
          </a>
        ) : null}
      </p>
    </>
  );
}

function Told({ heading, summary }: { readonly heading: string; readonly summary: AuditSummary }) {
  const { rows, errors, perThing } = summary;
  const shown = rows.filter(({ small }) => !small);
  const small = rows.length - shown.length;
  return (
    <>
      <p>
        {heading} {perThing.toFixed(2)} judgements each.
      </p>
      {rows.length === 0 ? <p>{NO_AGREEMENT}</p> : null}
      {shown.length === 0 ? null : (
        <Scrolled name="Agreement by question and recorded group">
          <table>
            <thead>
              <tr>
                {AGREEMENT_HEAD.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <Row key={agreementCells(row).slice(0, 2).join()} cells={agreementCells(row)} />
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
      {small === 0 ? null : (
        <p>
          {small} rows rest on fewer than {SMALL_SUBJECTS} subjects: {TOO_SMALL} for a figure.
        </p>
      )}
      {errors.map((error) => (
        <p key={error.label}>{labelErrorText(error)}</p>
      ))}
      <p class="soft">{AGREEMENT_NOTE}</p>
    </>
  );
}

function Row({ cells }: { readonly cells: readonly string[] }) {
  return (
    <tr>
      {cells.map((cell, at) =>
        at === 0 ? (
          <th key="question" scope="row">
            {cell}
          </th>
        ) : (
          <td key={AGREEMENT_HEAD[at]}>{cell}</td>
        ),
      )}
    </tr>
  );
}
