// ◇ Browser-safe. The frame that a pair was cut from, with what the ledger knows of its places, where HaGRID's frames are given.
// Invariant: places are px of the frame as it is seen, and a browser shows it so: EXIF's turn is its own business.
import { useSignal } from "@preact/signals";
import { ROUTES } from "../../server/api.ts";
import { listing, urlOf } from "../app/source.ts";
import { type Desk, idOf } from "../pairs/desk.ts";
import { textAt } from "../table/column.ts";
import { boundsOf, Marks, type Places, placesOf } from "./marks.tsx";
import type { RowValues } from "./values.tsx";

interface Props {
  readonly desk: Desk;
  readonly row: number;
  readonly values: RowValues | undefined;
}

/** The frame; nothing where none are given. */
export function Frame({ desk, row, values }: Props) {
  const missing = useSignal("");
  if (listing.value?.frames !== true || values === undefined) return null;
  const id = idOf(desk, row);
  const gesture = textAt(desk.loaded.table.columns.get("gesture"), row);
  const places = placesOf(values);
  if (missing.value === id)
    return (
      <p class="soft">
        The folder of --hagrid has no frame {gesture}/{id}.
      </p>
    );
  const image = {
    src: urlOf(ROUTES.frame(gesture, `${id}.jpg`)),
    onError: () => {
      missing.value = id;
    },
  };
  return (
    <figure class="pair-frame">
      {places === undefined ? <img {...image} alt="frame" /> : <Drawn places={places} image={image} />}
      <figcaption>{captionOf(places)}</figcaption>
    </figure>
  );
}

function Drawn({
  places,
  image,
}: {
  readonly places: Places;
  readonly image: { readonly src: string; readonly onError: () => void };
}) {
  const bounds = boundsOf(places);
  const [across, down] = [
    (px: number) => `${(100 * px) / bounds.width}%`,
    (px: number) => `${(100 * px) / bounds.height}%`,
  ];
  return (
    <div class="pair-drawn" style={{ "--ratio": bounds.width / bounds.height }}>
      <img
        {...image}
        alt="frame"
        class="pair-whole"
        style={{
          left: across(-bounds.left),
          top: down(-bounds.top),
          width: across(places.width),
          height: down(places.height),
        }}
      />
      <Marks places={places} bounds={bounds} />
    </div>
  );
}

function captionOf(places: Places | undefined) {
  if (places === undefined) return "frame";
  const { width, height, marks } = places;
  const size = `frame, ${width} × ${height} px`;
  if (marks.every(({ box }) => box === undefined)) return size;
  if (marks.every(({ square }) => square === undefined))
    return `${size}; dashed: boxes. what the crops show and landmarks: not recorded by the version that derived it`;
  return `${size}; dashed: boxes; solid: what the crops show, its upper side ticked; dots: landmarks`;
}
