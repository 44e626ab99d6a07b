// ◇ Browser-safe. The datasets that were found, for views that are about one; how to make one, where there is none.
import { formatAddress, type View } from "../app/address.ts";
import { thingsOf } from "../app/source.ts";

/** Their list. */
export function DatasetList({ view }: { readonly view: View }) {
  const things = thingsOf("dataset");
  if (things.length === 0)
    return (
      <p>
        No dataset was found. Make one with <code>facehand demo</code> or <code>facehand derive</code>, then
        start <code>facehand serve</code> on its folder.
      </p>
    );
  return (
    <ul class="things">
      {things.map(({ id, place }) => (
        <li key={id}>
          <a href={formatAddress({ view, thing: id, choices: {} })}>{place}</a>
        </li>
      ))}
    </ul>
  );
}
