// ◇ Browser-safe. Where a training is chosen, begun and stopped, whatever its pictures are.
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { count, counted } from "../../report/figure-text.ts";
import { choose, useChosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { faultOf } from "../app/source.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Course } from "./course.tsx";
import {
  file,
  type Labelled,
  modelNow,
  models,
  NUMBERS,
  type NumberName,
  orderNow,
  SHARE,
  textOf,
} from "./form.ts";
import { LearnerChoice, LearnerNote } from "./learner.tsx";
import type { Dealt } from "./samples.ts";
import { begin, isBusy, progress, stop } from "./session.ts";
import { forget } from "./store.ts";

interface BenchProps {
  readonly pictures: Labelled;
  readonly children: ComponentChildren;
}

/** The choices, what they deal, and the course of the training. */
export function Bench({ pictures, children }: BenchProps) {
  const busy = useComputed(() => isBusy(progress.value)).value;
  const ready = models().length > 0 || file.value !== undefined;
  const start = () => {
    if (ready) void begin(pictures.place, () => orderNow(pictures));
  };
  useKeys([{ keys: ["s"], does: "start or stop training", run: () => (busy ? stop() : start()) }]);
  return (
    <>
      <p>{children}</p>
      <Dealing pictures={pictures} />
      <form
        class="tune-form"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        <fieldset disabled={busy}>
          <legend>What is trained</legend>
          <Model />
          <LearnerChoice />
          <Validators hasSplit={pictures.hasSplit} />
          {(Object.keys(NUMBERS) as NumberName[]).map((name) => (
            <NumberField key={name} name={name} />
          ))}
        </fieldset>
        <LearnerNote />
        <p class="tune-do">
          <button type="submit" disabled={busy || !ready}>
            Start <kbd>s</kbd>
          </button>{" "}
          <button type="button" disabled={!busy} onClick={stop}>
            Stop
          </button>{" "}
          <Forget busy={busy} />
        </p>
      </form>
      <Course />
    </>
  );
}

/** Who is learnt from, and who validates. */
function Dealing({ pictures }: { readonly pictures: Labelled }) {
  const dealt = useSignal<Dealt | undefined>(undefined);
  const fault = useSignal<AppError | undefined>(undefined);
  const [share, seed] = [useChosen("share"), useChosen("seed")];
  useEffect(() => {
    let isShown = true;
    const show = (made: Dealt | undefined, found?: AppError) => {
      if (!isShown) return;
      dealt.value = made;
      fault.value = found;
    };
    pictures.deal().then(show, (error: unknown) => show(undefined, faultOf(error)));
    return () => {
      isShown = false;
    };
  }, [pictures, share, seed]);
  if (fault.value !== undefined) return <FaultNote fault={fault.value} />;
  return (
    <p role="status">
      {dealt.value === undefined
        ? "Dealing …"
        : `${peopled(dealt.value.train, "")} to learn from, ${peopled(dealt.value.val, "other ")} to validate.`}
    </p>
  );
}

function peopled(samples: Dealt["val"], which: string): string {
  const people = new Set(samples.map(({ subject }) => subject)).size;
  return `${count(samples.length)} images of ${counted(people, `${which}subject`)}`;
}

function Model() {
  const all = models();
  return (
    <>
      <label>
        Backbone of{" "}
        <select
          value={modelNow()?.id}
          disabled={file.value !== undefined}
          onChange={({ currentTarget: { value } }) => choose({ model: [value] })}
        >
          {all.length === 0 ? <option value="">no run with a checkpoint was found</option> : null}
          {all.map(({ id, place, run }) => (
            <option key={id} value={id}>
              {place}: {run.tag}
            </option>
          ))}
        </select>
      </label>
      <label>
        or a file{" "}
        <input
          type="file"
          accept=".safetensors"
          onChange={({ currentTarget: { files } }) => {
            file.value = files?.[0];
          }}
        />
      </label>
    </>
  );
}

function Validators({ hasSplit }: Pick<Labelled, "hasSplit">) {
  const chosenShare = useChosen("share");
  const share = chosenShare ?? (hasSplit ? undefined : SHARE);
  return (
    <>
      <label>
        Validate on{" "}
        <select
          value={share === undefined ? "split" : "share"}
          onChange={({ currentTarget: { value } }) =>
            choose({ share: value === "split" ? undefined : [SHARE] })
          }
        >
          {hasSplit ? <option value="split">the validation split</option> : null}
          <option value="share">a share of the subjects</option>
        </select>
      </label>
      {share === undefined ? null : (
        <label>
          Share{" "}
          <input
            type="number"
            min={0.01}
            max={0.9}
            step="any"
            required
            value={share}
            onChange={({ currentTarget: { value } }) => choose({ share: value === "" ? undefined : [value] })}
          />
        </label>
      )}
    </>
  );
}

function NumberField({ name }: { readonly name: NumberName }) {
  const { title, value: usual, step } = NUMBERS[name];
  useChosen(name);
  return (
    <label>
      {title}{" "}
      <input
        type="number"
        min={0}
        step={step}
        required={usual !== undefined}
        placeholder={usual === undefined ? "none" : undefined}
        value={textOf(name)}
        onChange={({ currentTarget: { value } }) =>
          choose({ [name]: value === "" || value === String(usual) ? undefined : [value] })
        }
      />
    </label>
  );
}

/** What follows from faces lies in this browser until somebody takes it away. */
function Forget({ busy }: { readonly busy: boolean }) {
  const done = useSignal(false);
  return (
    <>
      <button
        type="button"
        disabled={busy}
        onClick={() =>
          void forget().then(() => {
            done.value = true;
          })
        }
      >
        Forget stored features and weights
      </button>
      {done.value ? <span role="status"> Forgotten.</span> : null}
    </>
  );
}
