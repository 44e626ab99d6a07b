// Croissant metadata of a bundle: JSON-LD that dataset search engines and ML frameworks read.
// Sources: the Croissant specification 1.1 (context: its appendix 1, and what mlcroissant adds), the RAI vocabulary 1.0,
// PROV-O for where the data come from. Invariant: file names and hashes are those of the bundle.
import { SPLITS, type Split } from "../core/words.ts";
import type { DatasetFacts, ReleaseInfo } from "./facts.ts";
import { LICENCE_TEXTS } from "./licence.ts";
import { raiFields } from "./rai.ts";

/** A file of the bundle. */
export interface BundleFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const CONTEXT = {
  "@language": "en",
  "@vocab": "https://schema.org/",
  arrayShape: "cr:arrayShape",
  citeAs: "cr:citeAs",
  column: "cr:column",
  conformsTo: "dct:conformsTo",
  containedIn: "cr:containedIn",
  cr: "http://mlcommons.org/croissant/",
  data: { "@id": "cr:data", "@type": "@json" },
  dataType: { "@id": "cr:dataType", "@type": "@vocab" },
  dct: "http://purl.org/dc/terms/",
  description: { "@container": "@language" },
  equivalentProperty: "cr:equivalentProperty",
  examples: { "@id": "cr:examples", "@type": "@json" },
  extract: "cr:extract",
  field: "cr:field",
  fileObject: "cr:fileObject",
  fileProperty: "cr:fileProperty",
  fileSet: "cr:fileSet",
  format: "cr:format",
  includes: "cr:includes",
  isArray: "cr:isArray",
  isLiveDataset: "cr:isLiveDataset",
  jsonPath: "cr:jsonPath",
  key: "cr:key",
  md5: "cr:md5",
  name: { "@container": "@language" },
  parentField: "cr:parentField",
  path: "cr:path",
  prov: "http://www.w3.org/ns/prov#",
  rai: "http://mlcommons.org/croissant/RAI/",
  recordSet: "cr:recordSet",
  references: "cr:references",
  regex: "cr:regex",
  repeated: "cr:repeated",
  replace: "cr:replace",
  samplingRate: "cr:samplingRate",
  sc: "https://schema.org/",
  separator: "cr:separator",
  source: "cr:source",
  subField: "cr:subField",
  transform: "cr:transform",
} as const;

const SPLIT_URLS: Readonly<Record<Split, string>> = {
  train: "cr:TrainingSplit",
  val: "cr:ValidationSplit",
  test: "cr:TestSplit",
};

const DESCRIPTIONS = {
  id: "The pair",
  user_id: "The subject, as HaGRID's user_id; in one split only",
  age: "Apparent age bucket; empty if unknown",
  gender: "Apparent label, Male or Female, recorded by machines or annotators from pictures",
  race: "Apparent race or skin-tone class; empty if unknown",
  labels: "HaGRID's gesture of the hand",
  hand_image_name: "File of the hand",
  face_image_name: "File of the face",
} as const;

/**
 * The metadata of a dataset as plain JSON.
 *
 * @param files - train.csv, val.csv, test.csv and aligned_dataset.zip, others are left out
 * @example croissant(info, facts, files)["@type"] // "sc:Dataset"
 */
export function croissant(info: ReleaseInfo, facts: DatasetFacts, files: readonly BundleFile[]) {
  const licence = LICENCE_TEXTS[info.licence];
  const { pairs, subjects, manifest } = facts;
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
    datePublished: info.date,
    creator: { "@type": "sc:Organization", name: info.creator },
    citeAs: licence.attribution,
    keywords: ["face", "hand", "apparent sex", "fairness"],
    isLiveDataset: false,
    ...(manifest?.drawn === true
      ? {}
      : { "prov:wasDerivedFrom": { "@id": "https://github.com/hukenovs/hagrid" } }),
    ...raiFields(facts),
    ...info.rai,
    distribution: distribution(facts, files),
    recordSet: recordSets(),
  };
}

function distribution({ endings }: DatasetFacts, files: readonly BundleFile[]) {
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
  const images = (modality: "hand" | "face") => ({
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
    images("hand"),
    images("face"),
  ];
}

function recordSets() {
  return [splitSet(), imageSet("hand"), imageSet("face"), ...SPLITS.map(pairSet)];
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
    data: SPLITS.map((split) => ({ "splits/name": split, "splits/url": SPLIT_URLS[split] })),
  };
}

function imageSet(modality: "hand" | "face") {
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
      },
    ],
  };
}

function pairSet(split: Split) {
  const columns = Object.keys(DESCRIPTIONS) as (keyof typeof DESCRIPTIONS)[];
  const joined = { hand_image_name: "hands/name", face_image_name: "faces/name" } as const;
  return {
    "@type": "cr:RecordSet",
    "@id": split,
    name: split,
    description: `Pairs of the split ${split}`,
    key: { "@id": `${split}/id` },
    field: columns.map((column) => ({
      "@type": "cr:Field",
      "@id": `${split}/${column}`,
      name: column,
      description: DESCRIPTIONS[column],
      dataType: "sc:Text",
      source: { fileObject: { "@id": `${split}.csv` }, extract: { column } },
      ...(column in joined
        ? { references: { field: { "@id": joined[column as keyof typeof joined] } } }
        : {}),
    })),
  };
}
