// ◇ Browser-safe. Tune: a new head on a run's backbone, trained in the page on the pairs that are selected.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { address, choose, formatAddress, useChosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { faultOf, thingOf, thingsOf } from "../app/source.ts";
import { type Dataset, datasetOf, type Loaded } from "../pairs/dataset.ts";
import { type Desk, deskOf, selectionNow } from "../pairs/desk.ts";
import { count } from "../pairs/words.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Course } from "./course.tsx";
import {
  dealNow,
  file,
  modelNow,
  models,
  NUMBERS,
  type NumberName,
  orderNow,
  SHARE,
  textOf,
} from "./form.ts";
import type { Dealt } from "./samples.ts";
import { begin, isBusy, progress, stop } from "./session.ts";
import { forget } from "./store.ts";

/** The view. */
export function TuneView() {
  const thing = thingOf(useComputed(() => address.value.thing).value);
  if (thing === undefined || thing.kind !== "dataset") return <Datasets />;
  return <Opened key={thing.id} dataset={datasetOf(thing)} />;
}

/** What a head can learn from. */
function Datasets() {
  const things = thingsOf("dataset");
  return (
    <>
      <h1>Tune</h1>
      <p>A new head is trained here, in the browser, on the backbone of a run. Nothing is uploaded.</p>
      {things.length === 0 ? (
        <p>
          No dataset was found. Make one with <code>facehand demo</code> or <code>facehand derive</code>, then
          start <code>facehand serve</code> on its folder.
        </p>
      ) : (
        <ul class="things">
          {things.map(({ id, place }) => (
            <li key={id}>
              <a href={formatAddress({ view: "tune", thing: id, choices: {} })}>{place}</a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Opened({ dataset }: { readonly dataset: Dataset }) {
  const { thing, loaded, fault } = dataset;
  return (
    <>
      <h1>Tune on {thing.place}</h1>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      {loaded.value === undefined ? (
        fault.value === undefined && <p role="status">Reading the table …</p>
      ) : (
        <Bench dataset={dataset} loaded={loaded.value} />
      )}
    </>
  );
}

function Bench({ dataset, loaded }: { readonly dataset: Dataset; readonly loaded: Loaded }) {
  const before = useRef<Desk | undefined>(undefined);
  const desk = useMemo(() => deskOf(dataset, loaded, before.current), [dataset, loaded]);
  before.current = desk;
  const busy = useComputed(() => isBusy(progress.value)).value;
  const ready = models().length > 0 || file.value !== undefined;
  const start = () => {
    if (ready) void begin(() => orderNow(desk));
  };
  useKeys([{ keys: ["s"], does: "start or stop training", run: () => (busy ? stop() : start()) }]);
  return (
    <>
      <Selected desk={desk} />
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
          <Validators />
          {(Object.keys(NUMBERS) as NumberName[]).map((name) => (
            <NumberField key={name} name={name} />
          ))}
        </fieldset>
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
      <Course place={dataset.thing.place} />
    </>
  );
}

/** Which pairs, and how they are dealt. */
function Selected({ desk }: { readonly desk: Desk }) {
  const dealt = useSignal<Dealt | undefined>(undefined);
  const fault = useSignal<AppError | undefined>(undefined);
  const [share, seed] = [useChosen("share"), useChosen("seed")];
  const { rows, filters } = desk.sifted.value;
  useEffect(() => {
    let isShown = true;
    const show = (made: Dealt | undefined, found?: AppError) => {
      if (!isShown) return;
      dealt.value = made;
      fault.value = found;
    };
    dealNow(desk).then(show, (error: unknown) => show(undefined, faultOf(error)));
    return () => {
      isShown = false;
    };
  }, [desk, rows, share, seed]);
  const pairs = formatAddress({ view: "pairs", thing: desk.dataset.thing.id, choices: selectionNow() });
  return (
    <>
      <p role="status">
        {filters.length === 0 ? "All pairs: " : `Pairs by ${filters.join(", ")}: `}
        {dealt.value === undefined ? "…" : <Counted dealt={dealt.value} />}{" "}
        <a href={pairs}>Choose in Pairs</a>
      </p>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
    </>
  );
}

function Counted({ dealt: { train, val } }: { readonly dealt: Dealt }) {
  return (
    <>
      {peopled(train, "")} to learn from, {peopled(val, "other ")} to validate.
    </>
  );
}

function peopled(samples: Dealt["val"], which: string): string {
  const people = new Set(samples.map(({ subject }) => subject)).size;
  return `${count(samples.length)} images of ${count(people)} ${which}subject${people === 1 ? "" : "s"}`;
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

function Validators() {
  const share = useChosen("share");
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
          <option value="split">the validation split</option>
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

/** Features of faces lie in this browser until somebody takes them away. */
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
        Forget stored features
      </button>
      {done.value ? <span role="status"> Forgotten.</span> : null}
    </>
  );
}
