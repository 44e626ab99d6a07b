// ◇ Browser-safe. Why a pair has to go: a short list with a key each, or words of one's own.
import { useLayoutEffect, useRef } from "preact/hooks";
import { NOTE_LENGTH } from "../../audit/limits.ts";
import { useKeys } from "../app/keys.ts";

/** Usual reasons; they are written into the decisions, and published. */
const REASONS = [
  ["a", "the face cannot be seen"],
  ["b", "the hand cannot be seen"],
  ["d", "hand and face are of two people"],
  ["e", "blurred or too dark"],
  ["g", "cut wrongly"],
  ["h", "no real person: a drawing, screen or print"],
] as const;

interface Props {
  readonly onReason: (reason: string) => void;
  readonly onClose: () => void;
}

/** The dialog; Escape closes it without a reason. */
export function ReasonDialog({ onReason, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []); // with the render: Escape closes it from its first moment
  const take = (reason: string) => {
    onReason(reason);
    onClose();
  };
  useKeys(
    REASONS.map(([key, reason]) => ({ keys: [key], does: `remove: ${reason}`, run: () => take(reason) })),
  );
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("reason") ?? "").trim();
    if (text !== "") take(text);
  };
  return (
    <dialog ref={dialog} aria-labelledby="audit-reason" onClose={onClose}>
      <h2 id="audit-reason">Why should it be removed?</h2>
      <div class="audit-reasons">
        {REASONS.map(([key, reason]) => (
          <button key={key} type="button" onClick={() => take(reason)}>
            {reason} <kbd>{key}</kbd>
          </button>
        ))}
      </div>
      <form onSubmit={submit}>
        <label>
          Another reason <input name="reason" maxLength={NOTE_LENGTH} autocomplete="off" />
        </label>{" "}
        <button type="submit">Remove</button>
      </form>
      <button type="button" onClick={onClose}>
        Keep it <kbd>Escape</kbd>
      </button>
    </dialog>
  );
}
