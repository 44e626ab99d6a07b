// Where a dataset and its fields come from, in the words of PROV-O: activities with their software, and agents of labels and crops.
// Source: W3C PROV-O; the Croissant specification 1.1, "Provenance Representation". Invariants: what the manifest does not record is
// not claimed; people are A1, A2 and so on, as in the published ledger.
import { BETWEEN_NAMES, type COLUMNS } from "../core/words.ts";
import type { PICTURE_COLUMNS } from "../dataset/export/parquet.ts";
import { publicDecisions } from "../dataset/export/publish.ts";
import type { Manifest } from "../dataset/manifest.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";

/** A field of a record: a column of the tables, or a picture. */
export type FieldName = (typeof COLUMNS)[number] | (typeof PICTURE_COLUMNS)[number];

const software = (label: string, more: object = {}) => ({
  "@type": "prov:SoftwareAgent",
  "prov:label": label,
  ...more,
});
const hash = (propertyID: string, value: string) => ({ "@type": "sc:PropertyValue", propertyID, value });

/** What made the dataset: its derivation, where a manifest records it, and the bundle. */
export function generation(
  { answers, creator, date }: ReleaseInfo,
  { manifest }: DatasetFacts,
  madeBy: string | undefined,
) {
  const publisher = { "@type": "prov:Organization", "prov:label": answers?.publisher ?? creator };
  const bundle = {
    "@type": "prov:Activity",
    "prov:label": "facehand release bundle",
    "prov:endedAtTime": `${date}T00:00:00Z`,
    "prov:wasAssociatedWith": [software("facehand", { softwareVersion: madeBy }), publisher],
  };
  return manifest === undefined ? [bundle] : [derivation(manifest), bundle];
}

function derivation({ recipe, recipeHash, derivationHash, source, drawn }: Manifest) {
  const { detector, hand } = recipe;
  const models = [detector, ...(hand.model === undefined ? [] : [hand.model])];
  const files = Object.entries({
    ...source.annotations,
    ...(source.meta === undefined ? {} : { metadata: source.meta }),
    ...(source.faceLandmarks === undefined ? {} : { "face landmarks": source.faceLandmarks }),
  });
  return {
    "@type": "prov:Activity",
    "prov:label": drawn ? "facehand derive, of drawn frames" : "facehand derive",
    identifier: [hash("recipeHash", recipeHash), hash("derivationHash", derivationHash)],
    "prov:used": files.map(([name, sha256]) => ({
      "@type": "prov:Entity",
      "prov:label": name,
      identifier: [hash("sha256", sha256)],
    })),
    "prov:wasAssociatedWith": [
      software("facehand derive", { softwareVersion: `recipe ${recipe.version}` }),
      ...models.map(modelAgent),
    ],
  };
}

function modelAgent({ name, sha256 }: { readonly name: string; readonly sha256: string }) {
  return software(name, sha256 === "" ? {} : { identifier: [hash("sha256", sha256)] });
}

/** The agents of each field, as properties of it; a field of which nothing is recorded has none. */
export function fieldProvenance({
  manifest,
}: Pick<DatasetFacts, "manifest">): Partial<Record<FieldName, object>> {
  const gesture = { "@type": "prov:Agent", "prov:label": "HaGRID's crowd workers, asked for this gesture" };
  if (manifest === undefined) return { labels: attributed([gesture]) };
  const { detector, hand } = manifest.recipe;
  const derive = software("facehand derive", { softwareVersion: `recipe ${manifest.recipe.version}` });
  const crops = {
    hand_image: attributed([...(hand.model === undefined ? [] : [modelAgent(hand.model)]), derive]),
    face_image: attributed([modelAgent(detector), derive]),
  };
  const drawn = [software("facehand data sample")];
  const label = (field: "age" | "gender" | "race") =>
    attributed([...(manifest.drawn ? drawn : labellers(manifest, field)), ...relabelled(manifest, field)]);
  return {
    ...crops,
    age: label("age"),
    gender: label("gender"),
    race: label("race"),
    labels: attributed(manifest.drawn ? drawn : [gesture]),
  };
}

const attributed = (agents: readonly object[]) => ({ "prov:wasAttributedTo": agents });

/** HaGRIDv2 names two networks for its metadata, of which one knows races; of a file that was given, its bytes alone are known. */
function labellers({ source }: Manifest, field: "age" | "gender" | "race") {
  if (source.meta !== undefined)
    return [software("whoever made the metadata file", { identifier: [hash("sha256", source.meta)] })];
  const networks = field === "race" ? ["FairFace"] : ["FairFace", "MiVOLO"];
  return networks.map((name) => software(name, { description: "as HaGRIDv2 states of its metadata" }));
}

/** Who decided another label, by the ids of the published ledger. */
function relabelled(manifest: Manifest, field: "age" | "gender" | "race") {
  const decided = publicDecisions(manifest, undefined).filter((one) => one.what === "relabel" && one[field]);
  const ids = new Set(decided.flatMap(({ who = "" }) => who.split(BETWEEN_NAMES)));
  return [...ids].sort().map((id) => ({ "@type": "prov:Person", "prov:label": id }));
}
