// ◇ Browser-safe. Which model predicts: a run's best checkpoint or a file, what it states about itself, and what runs it.
import { useEffect } from "preact/hooks";
import { go } from "../app/address.ts";
import { offline, storePage } from "../app/service.ts";
import { thingsOf } from "../app/source.ts";
import { FaultNote } from "../parts/fault.tsx";
import { canPredict, model, openFile, type Shown } from "./desk.ts";

/** The choice. */
export function ModelChoice() {
  const runs = thingsOf("run").filter(canPredict);
  const shown = model.value;
  const chosen = runs.find(({ place }) => place === shown?.name)?.id ?? "";
  return (
    <fieldset class="predict-model">
      <legend>Model</legend>
      {runs.length === 0 ? (
        <p class="soft">No run with a checkpoint was found: give a file.</p>
      ) : (
        <label>
          A run's best checkpoint{" "}
          <select
            value={chosen}
            onChange={({ currentTarget }) => {
              if (currentTarget.value !== "")
                go({ view: "predict", thing: currentTarget.value, choices: {} });
            }}
          >
            <option value="">choose …</option>
            {runs.map(({ id, place, run }) => (
              <option key={id} value={id}>
                {place} ({run!.tag}, seed {run!.seed})
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        A checkpoint (.safetensors) or exported model (.onnx){" "}
        <input
          type="file"
          accept=".safetensors,.onnx"
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file !== undefined) void openFile(file);
            currentTarget.value = "";
          }}
        />
      </label>
      {shown === undefined ? null : <Stated shown={shown} />}
    </fieldset>
  );
}

function Stated({ shown: { name, opened, fault } }: { readonly shown: Shown }) {
  if (fault !== undefined) return <FaultNote fault={fault} />;
  if (opened === undefined)
    return (
      <p role="status">
        Opening <code>{name}</code> …
      </p>
    );
  return <Open name={name} opened={opened} />;
}

function Open({ name, opened }: { readonly name: string; readonly opened: NonNullable<Shown["opened"]> }) {
  useEffect(() => void storePage(), []); // what is to be seen was first
  const { facts, runtime, ms } = opened;
  const trained = facts.trainedOn.map(({ kind, images, recipeHash }) =>
    [`${images.toLocaleString("en")} images (${kind})`, recipeHash && `recipe ${recipeHash.slice(0, 8)}`]
      .filter(Boolean)
      .join(", "),
  );
  const device = runtime.provider === "webgpu" ? "WebGPU" : "WebAssembly";
  return (
    <dl class="predict-facts">
      <Fact name="model" value={name} />
      <Fact name="configuration" value={facts.tag} />
      <Fact name="input" value={`${facts.pixels.sizePx} px, male from ${facts.threshold}`} />
      <Fact name="trained on" value={trained.join("; ") || "not recorded"} />
      <Fact name="runs on" value={`${device}: ${runtime.reason}; opened in ${(ms / 1000).toFixed(1)} s`} />
      {offline.value === undefined ? null : <Fact name="without network" value={offline.value} />}
    </dl>
  );
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
