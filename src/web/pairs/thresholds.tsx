// ◇ Browser-safe. The thresholds of the cleaning rules, to be moved: at once it is seen what they would take away or bring back.
// Nothing is changed by it: `derive --rule` is what makes it so, and that command is given.
import { useSignal } from "@preact/signals";
import { type RuleName, type RuleSettings, ruleOf } from "../../derive/judge/clean.ts";
import { count } from "../../report/figure-text.ts";
import { address, choose, chosen } from "../app/address.ts";
import { binned } from "../table/bins.ts";
import { columnOf } from "../table/column.ts";
import { DEFAULTS } from "./dataset.ts";
import { type Desk, MOVABLE } from "./desk.ts";
import { plain, valueWords } from "./words.ts";

/** The rules with their thresholds, and what comes of them. */
export function Thresholds({ desk }: { readonly desk: Desk }) {
  const { base, rules, whole } = desk.loaded;
  const moved = desk.moved.value;
  if (base === undefined || moved === undefined)
    return <p class="pairs-panel">No rule made this table: it has no manifest, or no removed frames.</p>;
  if (!whole) return <p class="pairs-panel">Reading the measures …</p>;
  const names = MOVABLE.filter((name) => rules.of(name) !== undefined);
  return (
    <section class="pairs-panel" aria-label="Thresholds">
      <div class="pairs-bar">
        <Outcome desk={desk} />
        <button
          type="button"
          disabled={address.value.choices["rule"] === undefined}
          onClick={() => choose({ rule: undefined, change: undefined })}
        >
          As they were
        </button>
        <button type="button" onClick={() => choose({ rules: undefined })}>
          Close thresholds
        </button>
      </div>
      <Command base={base} moved={moved} />
      <div class="pairs-rules">
        {names.map((name) => (
          <Threshold key={name} desk={desk} name={name} base={base[name]} now={moved[name]} />
        ))}
      </div>
    </section>
  );
}

interface ThresholdProps {
  readonly desk: Desk;
  readonly name: RuleName;
  readonly base: number | null;
  readonly now: number | null;
}

function Threshold({ desk, name, base, now }: ThresholdProps) {
  const { title, removes, range, reason, beside } = ruleOf(name);
  const values = desk.loaded.rules.of(name)!;
  const drawn = binned(values);
  const usual = now ?? base ?? ruleOf(name).threshold;
  const [low, high] = [
    Math.max(range[0], Math.min(drawn?.low ?? range[0], usual)),
    Math.min(range[1], Math.max(drawn?.high ?? range[1], usual)),
  ];
  const set = (value: number | null, step = true) => {
    const others = (address.peek().choices["rule"] ?? []).filter((choice) => !choice.startsWith(`${name}=`));
    choose({ rule: value === base ? others : [...others, `${name}=${value ?? "off"}`] }, step);
  };
  const number = (text: string) => Math.min(range[1], Math.max(range[0], Number(text)));
  return (
    <fieldset class="pairs-rule" data-rule={name}>
      <legend>
        <code>{name}</code> {valueWords(reason)}
      </legend>
      <p class="soft">
        {title}: removed {removes} {base === null ? "nothing (off)" : plain(base)}
        {now === base ? "" : `, now ${now === null ? "off" : `${removes} ${plain(now)}`}`}
        {beside ? ". Frames that a wider one would make near-duplicates are counted by derive alone." : ""}
      </p>
      <label>
        <span class="sr">Threshold of {name}</span>
        <input
          type="range"
          min={low}
          max={high}
          step={(high - low) / 200 || 1}
          value={usual}
          onInput={({ currentTarget }) => set(Number(number(currentTarget.value).toPrecision(4)), false)}
        />
      </label>{" "}
      <label>
        <span class="sr">Threshold of {name} as a number</span>
        <input
          type="number"
          step="any"
          min={range[0]}
          max={range[1]}
          value={now ?? ""}
          placeholder="off"
          onChange={({ currentTarget: { value } }) => set(value === "" ? null : number(value))}
        />
      </label>{" "}
      <label>
        <input
          type="checkbox"
          checked={now === null}
          onChange={({ currentTarget: { checked } }) => set(checked ? null : usual)}
        />{" "}
        off
      </label>
    </fieldset>
  );
}

/** What moved thresholds would do, each with the filter that shows it. */
function Outcome({ desk }: { readonly desk: Desk }) {
  const changes = desk.changes.value;
  if (changes === undefined)
    return <p role="status">Move a threshold to see what it would take away or bring back.</p>;
  const people = columnOf(desk.loaded.table, "user_id", "words")?.codes;
  const effects = (
    [
      ["taken", 1, "take away"],
      ["back", 2, "bring back"],
    ] as const
  ).map(([word, code, does]) => {
    const subjects = new Set<number>();
    let frames = 0;
    for (let row = 0; row < changes.length; row++) {
      if (changes[row] !== code) continue;
      frames++;
      if (people !== undefined) subjects.add(people[row]!);
    }
    return { word, does, frames, subjects: subjects.size };
  });
  return (
    <p role="status" class="pairs-outcome">
      {effects.map(({ word, does, frames, subjects }) => (
        <span key={word} data-change={word}>
          Would {does} <strong>{count(frames)}</strong> {word === "taken" ? "pairs" : "frames"} of{" "}
          {count(subjects)} subjects{" "}
          <button
            type="button"
            aria-pressed={chosen("change") === word}
            disabled={frames === 0 && chosen("change") !== word}
            onClick={() => choose({ change: chosen("change") === word ? undefined : [word] })}
          >
            Show<span class="sr"> what they would {does}</span>
          </button>
        </span>
      ))}
    </p>
  );
}

/** The command that derives by these thresholds. */
function Command({ base, moved }: { readonly base: RuleSettings; readonly moved: RuleSettings }) {
  const copied = useSignal("");
  const names = Object.keys(moved) as RuleName[];
  if (names.every((name) => base[name] === moved[name])) return null;
  const flags = names
    .filter((name) => moved[name] !== DEFAULTS[name])
    .map((name) => ` --rule ${name}=${moved[name] ?? "off"}`);
  const text = `facehand derive --hagrid DIR --gestures LIST --out NEW_DIR${flags.join("")}`;
  return (
    <p class="pairs-command">
      Nothing is changed here. This makes it so, with the folder and the other flags of this derivation:{" "}
      <code>{text}</code>{" "}
      <button
        type="button"
        onClick={async () => {
          await navigator.clipboard.writeText(text);
          copied.value = text;
        }}
      >
        {copied.value === text ? "Copied" : "Copy"}
      </button>
    </p>
  );
}
