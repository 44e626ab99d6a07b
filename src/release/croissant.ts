// Croissant metadata of a bundle: JSON-LD that dataset search engines and ML frameworks read.
// Sources: the Croissant specification 1.1, the RAI vocabulary 1.0. Invariant: file names and hashes are those of the bundle.

import { COLUMNS, MODALITIES, type Modality, SPLITS, type Split } from "../core/words.ts";
import { HUB_SPLITS } from "../dataset/export/common.ts";
import { PICTURE_COLUMNS } from "../dataset/export/parquet.ts";
import { ACTS } from "../dataset/law.ts";
import { isShard, SHARD_FOLDER } from "../dataset/layout.ts";
import { CONTEXT } from "./croissant-context.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";
import { type FieldName, fieldProvenance, generation } from "./provenance.ts";
import { raiFields } from "./rai.ts";

/** A file of the bundle. */
export interface BundleFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const SPLIT_URLS: Readonly<Record<Split, string>> = {
  train: "cr:TrainingSplit",
  val: "cr:ValidationSplit",
  test: "cr:TestSplit",
};

const DESCRIPTIONS: Readonly<Record<FieldName, string>> = {
  id: "The pair",
  user_id: "The subject, as HaGRID's user_id; in one split only",
  age: "Apparent age bucket; empty if unknown",
  gender: "Apparent label, Male or Female, recorded by machines or annotators from pictures",
  race: "Apparent race or skin-tone class; empty if unknown",
  labels: "HaGRID's gesture of the hand",
  hand_image_name: "File of the hand",
  face_image_name: "File of the face",
  hand_image: "The crop of the hand",
  face_image: "The aligned crop of the face",
};

/** What a record is labelled by. */
const LABELS: readonly FieldName[] = ["age", "gender", "race", "labels"];

/**
 * The metadata of a dataset as plain JSON.
 *
 * @param files - train.csv, val.csv, test.csv, aligned_dataset.zip and Parquet shards, if there are any; others are left out
 * @param madeBy - version of facehand; not stated if left out
 * @example croissant(info, facts, files, "1.0.0")["@type"] // "sc:Dataset"
 */
export function croissant(
  info: ReleaseInfo,
  facts: DatasetFacts,
  files: readonly BundleFile[],
  madeBy?: string,
) {
  const licence = LICENCE_TEXTS[info.licence];
  const { pairs, subjects, manifest } = facts;
  const { answers = {} } = info;
  const shards = files.filter(({ name }) => isShard(name));
  return {
    "@context": CONTEXT,
    "@type": "sc:Dataset",
    conformsTo: ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
    name: info.name,
    description:
      `${pairs} pairs of an aligned face and hand of ${subjects} subjects, with apparent labels that machines or ` +
      "annotators recorded from pictures.",
    license: licence.url,
    url: info.url,
    version: info.version,
    dateCreated: answers.created,
    dateModified: answers.modified ?? info.date,
    datePublished: info.date,
    creator: { "@type": "sc:Organization", name: info.creator },
    publisher: { "@type": "sc:Organization", name: answers.publisher ?? info.creator },
    funding: answers.funding === undefined ? undefined : { "@type": "sc:Grant", name: answers.funding },
    conditionsOfAccess: answers.restrictions,
    usageInfo: usage(info),
    citeAs: licence.attribution,
    keywords: ["face", "hand", "apparent sex", "fairness"],
    isLiveDataset: false,
    ...(manifest?.drawn === true
      ? {}
      : { "prov:wasDerivedFrom": { "@id": "https://github.com/hukenovs/hagrid" } }),
    "prov:wasGeneratedBy": generation(info, facts, madeBy),
    ...raiFields(info, facts),
    distribution: distribution(facts, files, shards),
    recordSet: recordSets(fieldProvenance(facts), shards.length > 0),
  };
}

/** What it may be used for, in terms of the Data Use Ontology, and where law says more. */
function usage({ licence }: ReleaseInfo) {
  const term = (code: string, name: string) => ({
    ...{ "@type": "sc:DefinedTerm", name, termCode: `DUO_${code}`, url: `duo:${code}` },
  });
  if (licence === "drawn") return [term("0000004", "no restriction")];
  return [
    term("0000042", "general research use"),
    { "@type": "sc:CreativeWork", name: LICENCE_TEXTS[licence].name, url: LICENCE_TEXTS[licence].url },
    ...Object.values(ACTS).map(({ name, url }) => ({ "@type": "sc:CreativeWork", name, url })),
  ];
}

function distribution(
  { endings }: DatasetFacts,
  files: readonly BundleFile[],
  shards: readonly BundleFile[],
) {
  const object = (name: string, encodingFormat: string) => {
    const { sizeBytes, sha256 } = files.find((file) => file.name === name)!;
    return {
      "@type": "cr:FileObject",
      "@id": name,
      name,
      contentUrl: name,
      contentSize: `${sizeBytes} B`,
      encodingFormat,
      sha256,
    };
  };
  const images = (modality: Modality) => ({
    "@type": "cr:FileSet",
    "@id": `${modality}-files`,
    name: `${modality}-files`,
    description: `Aligned crops of ${modality}s`,
    containedIn: { "@id": "aligned_dataset.zip" },
    encodingFormat: endings.every((ending) => ending.toLowerCase() === ".png") ? "image/png" : "image/jpeg",
    includes: endings.map((ending) => `aligned_dataset/${modality}s/*${ending}`),
  });
  return [
    ...SPLITS.map((split) => object(`${split}.csv`, "text/csv")),
    object("aligned_dataset.zip", "application/zip"),
    ...MODALITIES.map(images),
    ...(shards.length === 0 ? [] : [SHARDS, ...shards.map(({ name }) => object(name, PARQUET))]),
  ];
}

const PARQUET = "application/x-parquet";
/** They lie beside this document, in no archive. */
const SHARDS = {
  "@type": "cr:FileSet",
  "@id": "parquet-files",
  name: "parquet-files",
  description: "The pairs with their pictures",
  encodingFormat: PARQUET,
  includes: [`${SHARD_FOLDER}/*.parquet`],
};

/** A shard's split; mlcroissant asks it of the answer too. */
const SPLIT_OF = `^(?:${SHARD_FOLDER}/)?(${Object.values(HUB_SPLITS).join("|")})(?:-.*\\.parquet)?$`;

type FieldFacts = Readonly<Partial<Record<FieldName, object>>>;

function recordSets(provenance: FieldFacts, hasShards: boolean) {
  return [
    splitSet(),
    ...(hasShards ? [shardSet(provenance)] : []),
    ...MODALITIES.map((modality) => imageSet(modality, provenance)),
    ...SPLITS.map((split) => tableSet(split, provenance)),
  ];
}

function splitSet() {
  return {
    "@type": "cr:RecordSet",
    "@id": "splits",
    name: "splits",
    dataType: "cr:Split",
    key: { "@id": "splits/name" },
    field: [
      { "@type": "cr:Field", "@id": "splits/name", name: "name", dataType: "sc:Text" },
      { "@type": "cr:Field", "@id": "splits/url", name: "url", dataType: "sc:URL" },
    ],
    data: SPLITS.map((split) => ({ "splits/name": HUB_SPLITS[split], "splits/url": SPLIT_URLS[split] })),
  };
}

/** Types and provenance of a field. */
function described(name: FieldName, provenance: FieldFacts) {
  return {
    name,
    description: DESCRIPTIONS[name],
    dataType: LABELS.includes(name) ? ["sc:Text", "cr:Label"] : "sc:Text",
    ...provenance[name],
  };
}

/** Pairs with labels and pictures, of all splits. */
function shardSet(provenance: FieldFacts) {
  const from = { fileSet: { "@id": SHARDS["@id"] } };
  return {
    "@type": "cr:RecordSet",
    "@id": "pairs",
    name: "pairs",
    description: "The pairs of all splits, each with its labels and both pictures",
    key: { "@id": "pairs/id" },
    field: [
      {
        "@type": "cr:Field",
        "@id": "pairs/split",
        name: "split",
        description: "The split of the pair",
        dataType: "sc:Text",
        source: {
          ...from,
          extract: { fileProperty: "fullpath" },
          transform: { regex: SPLIT_OF },
        },
        references: { field: { "@id": "splits/name" } },
      },
      ...COLUMNS.map((column) => ({
        "@type": "cr:Field",
        "@id": `pairs/${column}`,
        ...described(column, provenance),
        source: { ...from, extract: { column } },
      })),
      ...PICTURE_COLUMNS.map((column) => ({
        "@type": "cr:Field",
        "@id": `pairs/${column}`,
        ...described(column, provenance),
        dataType: "sc:ImageObject",
        source: { ...from, extract: { column }, transform: { jsonPath: "bytes" } },
      })),
    ],
  };
}

function imageSet(modality: Modality, provenance: FieldFacts) {
  const id = `${modality}s`;
  const from = (fileProperty: string) => ({
    fileSet: { "@id": `${modality}-files` },
    extract: { fileProperty },
  });
  return {
    "@type": "cr:RecordSet",
    "@id": id,
    name: id,
    description: `The ${modality} of each pair`,
    key: { "@id": `${id}/name` },
    field: [
      {
        "@type": "cr:Field",
        "@id": `${id}/name`,
        name: "name",
        dataType: "sc:Text",
        source: from("filename"),
      },
      {
        "@type": "cr:Field",
        "@id": `${id}/image`,
        name: "image",
        dataType: "sc:ImageObject",
        source: from("content"),
        ...provenance[`${modality}_image`],
      },
    ],
  };
}

function tableSet(split: Split, provenance: FieldFacts) {
  const joined: Readonly<Partial<Record<FieldName, string>>> = {
    hand_image_name: "hands/name",
    face_image_name: "faces/name",
  };
  return {
    "@type": "cr:RecordSet",
    "@id": split,
    name: split,
    description: `Pairs of the split ${split}`,
    key: { "@id": `${split}/id` },
    field: COLUMNS.map((column) => ({
      "@type": "cr:Field",
      "@id": `${split}/${column}`,
      ...described(column, provenance),
      source: { fileObject: { "@id": `${split}.csv` }, extract: { column } },
      references: joined[column] === undefined ? undefined : { field: { "@id": joined[column] } },
    })),
  };
}
