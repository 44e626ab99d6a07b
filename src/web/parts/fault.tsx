// ◇ Browser-safe. What went wrong, as the command line says it: expected, found, what to try.
import type { Trouble } from "../../server/api.ts";

/** A fault, which screen readers announce at once. */
export function FaultNote({ fault }: { readonly fault: Trouble }) {
  return (
    <div class="note" role="alert">
      <p>
        <strong>{fault.code}</strong> {fault.message}
      </p>
      {fault.hint === undefined ? null : <p>Try: {fault.hint}</p>}
    </div>
  );
}
