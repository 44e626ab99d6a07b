// ◇ Browser-safe. Pairs.
/** The view. */
export function PairsView() {
  return <h1>Pairs</h1>;
}
