// ◇ Browser-safe. Who judges: asked once, kept in this browser.
import { useSignal } from "@preact/signals";
import { NAME_LENGTH } from "../../audit/limits.ts";
import { nameFault } from "../../core/spelling.ts";
import { judgeAs } from "./who.ts";

/** The question. */
export function NameForm({ place }: { readonly place: string }) {
  const trouble = useSignal<string | undefined>(undefined);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("who") ?? "").trim();
    const fault = text === "" ? "a name" : nameFault(text)?.expected;
    trouble.value = fault === undefined ? undefined : `Expected ${fault}, got ${JSON.stringify(text)}`;
    if (fault === undefined) judgeAs(text);
  };
  return (
    <>
      <h1>Audit</h1>
      <form class="audit-name" onSubmit={submit}>
        <label>
          Who judges {place}?{" "}
          <input name="who" maxLength={NAME_LENGTH} autocomplete="off" aria-describedby="audit-name-note" />
        </label>{" "}
        <button type="submit">Begin</button>
        <p id="audit-name-note" class="soft">
          The name stays in this browser and in the log of judgements beside the dataset. What is published
          has A1, A2 in its place.
        </p>
        {trouble.value === undefined ? null : (
          <p class="trouble" role="alert">
            {trouble.value}
          </p>
        )}
      </form>
    </>
  );
}
