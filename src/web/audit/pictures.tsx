// ◇ Browser-safe. The pictures of what is judged: face and hand, large; of a subject several pairs.
import { ROUTES } from "../../server/api.ts";
import { urlOf } from "../app/source.ts";
import type { Item } from "./queues/pairs.ts";

/** Pairs of a subject that are shown. */
const SHOWN = 6;

interface Props {
  readonly thing: string;
  readonly item: Item;
  /** A picture can be seen now. */
  readonly onSeen: () => void;
}

/** The pictures. */
export function Pictures({ thing, item, onSeen }: Props) {
  const shown = item.pairs.slice(0, SHOWN);
  const more = item.pairs.length - shown.length;
  return (
    <div class={`audit-pictures${shown.length > 1 ? " audit-many" : ""}`}>
      {shown.map(({ id, face, hand }) => (
        <div key={id} class="audit-pair">
          <img src={addressOf(thing, face)} alt="face of the pair" onLoad={onSeen} />
          <img src={addressOf(thing, hand)} alt="hand of the pair" onLoad={onSeen} />
        </div>
      ))}
      {item.image === undefined ? (
        <p class="soft">
          All of one subject: {item.pairs.length} pairs{more > 0 ? `, ${more} of them not shown` : ""}.
        </p>
      ) : null}
    </div>
  );
}

const addressOf = (thing: string, name: string) => urlOf(ROUTES.picture(thing, name));

/** Has the browser fetch the pictures of what comes next. */
export function prefetch(thing: string, items: readonly Item[]): void {
  for (const { pairs } of items)
    for (const { face, hand } of pairs.slice(0, SHOWN))
      for (const name of [face, hand]) new Image().src = addressOf(thing, name);
}
