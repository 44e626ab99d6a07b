// ◇ Browser-safe. What law says about such data and models, in every view: the places always, their words when they are opened.
import { LAW_NOTE, LAW_PLACES } from "../../dataset/law.ts";

/** A line below the note on labels. */
export function LawLine() {
  return (
    <details class="label-note law">
      <summary>{LAW_PLACES}</summary>
      <p>
        {LAW_NOTE.map((part) =>
          typeof part === "string" ? (
            part
          ) : (
            <a key={part.url} href={part.url} rel="noreferrer" target="_blank">
              {part.name}
            </a>
          ),
        )}
      </p>
    </details>
  );
}
