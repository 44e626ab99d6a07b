// ◇ Browser-safe. One pair in the grid: hand and face side by side, what is recorded, why it was removed.
// Source: our own. Invariants: a tile's elements are made once and then given what they show, for a grid that is scrolled or filtered
// changes all of its tiles at once; a picture of another pair is never seen beside new words, for it is hidden first; words do not wait for
// pictures, which are asked for once the words are on the screen; whatever a tile no longer shows is no longer waited for.
import type { Modality } from "../../core/words.ts";
import { numberAt, textAt } from "../table/column.ts";
import { afterFrame } from "./after-frame.ts";
import type { Desk } from "./desk.ts";
import type { Plan } from "./grid-plan.ts";
import { pictureOf } from "./pictures.ts";
import { plain, recordedOf, whyRemoved } from "./words.ts";

/** What all tiles of a grid have in common; another object where any of it is another. */
export interface Shared {
  readonly desk: Desk;
  readonly plan: Plan;
  /** What moved thresholds do to each row. */
  readonly changes: Uint8Array | undefined;
  /** The measure by which tiles are sorted. */
  readonly measure: string | undefined;
}

/** What is one tile's own. */
export interface Place {
  readonly index: number;
  readonly isCursor: boolean;
  readonly isPicked: boolean;
  readonly xPx: number;
  readonly yPx: number;
}

const CHANGE_WORDS = ["", " − would be taken away", " + would come back"];

/** A tile; its list has the keys. */
export class Tile {
  readonly element = made("div", "pairs-tile");
  /** Among the rows that are shown; -1 while it shows none. */
  index = -1;
  #row = -1;
  #shared: Shared | undefined;
  readonly #halves = { hand: new Half("hand"), face: new Half("face") };
  readonly #tick = made("span", "pairs-tick", "✓");
  readonly #pictures = made("span", "pairs-pictures", this.#halves.hand, this.#halves.face, this.#tick);
  readonly #value = made("b", "");
  readonly #recorded = made("span", "");
  readonly #split = made("span", "");
  readonly #why = made("span", "trouble");
  readonly #change = made("span", "");

  constructor() {
    this.element.setAttribute("role", "option");
    this.element.tabIndex = -1;
    this.element.append(
      this.#pictures,
      made("span", "pairs-caption", this.#value, this.#recorded),
      made("span", "pairs-caption", this.#split, this.#why, this.#change),
    );
  }

  /** Shows a row at a place. */
  show(shared: Shared, row: number, place: Place): void {
    const { element } = this;
    this.index = place.index;
    if (row !== this.#row || shared !== this.#shared) this.#fill(shared, row);
    element.hidden = false;
    element.style.transform = `translate(${place.xPx}px, ${place.yPx}px)`;
    element.classList.toggle("pairs-cursor", place.isCursor);
    element.setAttribute("aria-selected", String(place.isPicked));
    element.setAttribute("aria-posinset", String(place.index + 1));
    this.#tick.hidden = !place.isPicked;
  }

  /** Shows nothing. */
  clear(): void {
    this.index = this.#row = -1;
    this.element.hidden = true;
    this.element.removeAttribute("id");
    for (const half of Object.values(this.#halves)) half.show(undefined);
  }

  #fill(shared: Shared, row: number): void {
    const { desk, plan, changes, measure } = shared;
    const { element } = this;
    const { columns } = desk.loaded.table;
    this.#row = row;
    this.#shared = shared;
    const why = whyRemoved(desk, row);
    const value = measure === undefined ? Number.NaN : numberAt(columns.get(measure), row);
    const change = changes?.[row] ?? 0;
    element.id = `pair-${row}`;
    element.setAttribute("aria-setsize", String(plan.rows.length));
    element.style.width = `${plan.tilePx.width}px`;
    element.style.height = `${plan.tilePx.height}px`;
    element.classList.toggle("pairs-removed", why !== "");
    this.#pictures.style.height = `${plan.sizePx}px`;
    for (const modality of MODALITIES) this.#halves[modality].show(pictureOf(desk, row, modality));
    write(this.#value, Number.isNaN(value) ? "" : `${plain(value)} `);
    write(this.#recorded, recordedOf(desk, row));
    write(this.#split, why === "" ? textAt(columns.get("split"), row) : "");
    write(this.#why, why === "" ? "" : `removed: ${why}`);
    this.#why.title = why;
    this.#change.className = `pairs-change-${change}`;
    write(this.#change, CHANGE_WORDS[change]!);
  }
}

const MODALITIES: readonly Modality[] = ["hand", "face"];

/** One of a tile's two pictures, or the words that there is none; empty while the picture is on its way. */
class Half {
  readonly element: HTMLElement;
  readonly #image = document.createElement("img");
  readonly #none = made("span", "no-picture", "no picture");
  #url: string | undefined;
  #asked: string | undefined;

  constructor(modality: Modality) {
    this.#image.alt = modality;
    this.#image.decoding = "async";
    this.#image.draggable = false;
    this.#image.addEventListener("error", () => this.#came(this.#none));
    this.#image.addEventListener("load", () => this.#came(this.#image));
    this.#none.setAttribute("role", "img");
    this.#none.setAttribute("aria-label", modality);
    this.element = made("span", "pairs-half", this.#image, this.#none);
    this.#shows(this.#none);
  }

  show(url: string | undefined): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#shows(url === undefined ? this.#none : undefined);
    afterFrame(this.#ask);
  }

  /** Ends the request before, whose picture is no longer meant. */
  readonly #ask = () => {
    this.#asked = this.#url;
    if (this.#url === undefined) this.#image.removeAttribute("src");
    else this.#image.src = this.#url;
  };

  /** What comes of a request that was made for a row before is not for this one. */
  #came(shown: HTMLElement): void {
    if (this.#asked === this.#url) this.#shows(shown);
  }

  #shows(one: HTMLElement | undefined): void {
    this.#image.hidden = this.#image !== one;
    this.#none.hidden = this.#none !== one;
  }
}

function made(name: string, className: string, ...inside: (string | Node | Half)[]): HTMLElement {
  const element = document.createElement(name);
  element.className = className;
  element.append(...inside.map((one) => (one instanceof Half ? one.element : one)));
  return element;
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
