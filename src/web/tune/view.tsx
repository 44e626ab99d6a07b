// ◇ Browser-safe. Tune: a new head on a run's backbone, or all of its layers, trained in the page on selected pairs or on pictures of
// one's own.
import { useComputed, useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { count } from "../../report/figure-text.ts";
import { address, formatAddress } from "../app/address.ts";
import { faultOf, thingOf } from "../app/source.ts";
import { type Dataset, datasetOf, type Loaded } from "../pairs/dataset.ts";
import { type Desk, deskOf, selectionNow } from "../pairs/desk.ts";
import { DatasetList } from "../parts/datasets.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Bench } from "./bench.tsx";
import { type Folder, folder, LABELS, openFolder } from "./folder.ts";
import { pairsOf } from "./form.ts";

/** The view. */
export function TuneView() {
  const thing = thingOf(useComputed(() => address.value.thing).value);
  if (thing?.kind === "dataset") return <Opened key={thing.id} dataset={datasetOf(thing)} />;
  return folder.value === undefined ? <Choice /> : <OwnPictures key={folder.value.key} own={folder.value} />;
}

/** What can be learnt from. */
function Choice() {
  return (
    <>
      <h1>Tune</h1>
      <p>
        A new head is trained here, in the browser, on the backbone of a run; or all layers, where there is
        WebGPU. Nothing is uploaded.
      </p>
      <h2>On pairs of a dataset</h2>
      <DatasetList view="tune" />
      <h2>On pictures of your own</h2>
      <FolderChoice />
    </>
  );
}

function FolderChoice() {
  const fault = useSignal<AppError | undefined>(undefined);
  const take = async (files: readonly File[]) => {
    try {
      folder.value = files.length === 0 ? undefined : await openFolder(files);
    } catch (error) {
      fault.value = faultOf(error);
    }
  };
  return (
    <>
      <p>
        <label>
          A folder with <code>{LABELS}</code>{" "}
          <input
            type="file"
            ref={(input: HTMLInputElement | null) => input?.setAttribute("webkitdirectory", "")}
            // Browsers say nothing of the folder that was chosen before, whose table may have been mended since.
            onClick={({ currentTarget }) => {
              currentTarget.value = "";
            }}
            onChange={({ currentTarget: { files } }) => void take([...(files ?? [])])}
          />
        </label>
      </p>
      <p class="soft">
        One row for each picture, a face or a hand cut as the model's own were:{" "}
        <code>file,gender,modality</code> and, where known, <code>subject,age,race,gesture,split</code>.
      </p>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
    </>
  );
}

function OwnPictures({ own }: { readonly own: Folder }) {
  return (
    <>
      <h1>Tune on {own.place}</h1>
      <Bench pictures={own}>
        {count(own.images)} labelled pictures.{" "}
        {own.hasSubjects ? null : "Nobody is recorded: each picture counts as a person of its own. "}
        <button
          type="button"
          onClick={() => {
            folder.value = undefined;
          }}
        >
          Others
        </button>
      </Bench>
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
        <Pairs dataset={dataset} loaded={loaded.value} />
      )}
    </>
  );
}

function Pairs({ dataset, loaded }: { readonly dataset: Dataset; readonly loaded: Loaded }) {
  const before = useRef<Desk | undefined>(undefined);
  const desk = useMemo(() => deskOf(dataset, loaded, before.current), [dataset, loaded]);
  before.current = desk;
  const sifted = desk.sifted.value;
  const { filters } = sifted;
  const pictures = useMemo(() => pairsOf(desk), [desk, sifted]);
  return (
    <Bench pictures={pictures}>
      {filters.length === 0 ? "All pairs." : `Pairs by ${filters.join(", ")}.`}{" "}
      <a href={formatAddress({ view: "pairs", thing: dataset.thing.id, choices: selectionNow() })}>
        Choose in Pairs
      </a>
    </Bench>
  );
}
