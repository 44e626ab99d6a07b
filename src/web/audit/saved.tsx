// ◇ Browser-safe. What is saved and what is not: shown at once, with what can be done.
import { useKeys } from "../app/keys.ts";
import { listing } from "../app/source.ts";
import { downloadLines } from "./saving/download.ts";
import type { Session } from "./session.ts";

/** How it stands with this person's judgements. */
export function SavedNote({ session }: { readonly session: Session }) {
  const { waiting, saved, refused, trouble, kept } = session.outbox.value;
  const writes = listing.value?.writes === true;
  const download = () => downloadLines(session.thing.place, [...waiting, ...refused.map(({ line }) => line)]);
  useKeys([
    { keys: ["r"], does: "try again to save", run: session.retry },
    { keys: ["j"], does: "download judgements that are not saved", run: download },
  ]);
  const state = writes
    ? waiting.length === 0
      ? saved.length === 0
        ? "Nothing to be saved."
        : `✓ ${saved.length} saved.`
      : `… ${waiting.length} not saved yet, ${saved.length} saved.`
    : `${waiting.length} judgements in this browser only: this page is a folder of static files.`;
  return (
    <div class="audit-saved">
      <p role="status" data-saved={saved.length} data-waiting={waiting.length}>
        {state}
        {kept ? null : " This browser keeps nothing: leave the page open until all is saved."}
        {writes && !session.connected.value
          ? " Others' judgements are not followed now: no connection."
          : null}
      </p>
      {trouble === undefined && refused.length === 0 ? null : (
        <div class="note" role="alert">
          {trouble === undefined ? null : (
            <p>
              {trouble.message}. Nothing is lost: it is tried again by itself. {trouble.hint}
            </p>
          )}
          {refused.map(({ line, message }) => (
            <p key={line.id}>Refused: {message}</p>
          ))}
          <button type="button" onClick={session.retry}>
            Try now <kbd>r</kbd>
          </button>
        </div>
      )}
      {(writes ? refused.length : waiting.length) === 0 ? null : (
        <button type="button" onClick={download}>
          Download my annotations <kbd>j</kbd>
        </button>
      )}
    </div>
  );
}
