// A strict check of our own Croissant documents: required properties, closed sets of keys, and references that resolve.
// Source: the Croissant specification 1.1 (sections "Dataset-level Information", "Resources", "RecordSets").
// It is narrower than the specification: what we do not write is refused.
import { z } from "zod";
import { AppError, show } from "../core/errors.ts";
import { schemaFault } from "../core/schema.ts";

const text = z.string().min(1);
const ref = z.strictObject({ "@id": text });
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const fileObject = z.strictObject({
  "@type": z.literal("cr:FileObject"),
  "@id": text,
  name: text,
  contentUrl: text,
  contentSize: z.string().regex(/^\d+ B$/),
  encodingFormat: text,
  sha256: hash,
});

const fileSet = z.strictObject({
  "@type": z.literal("cr:FileSet"),
  "@id": text,
  name: text,
  description: text,
  /** Absent for files beside the document. */
  containedIn: ref.optional(),
  encodingFormat: text,
  includes: z.array(text).min(1),
});

const source = z.union([
  z.strictObject({ fileObject: ref, extract: z.strictObject({ column: text }) }),
  z.strictObject({
    fileSet: ref,
    extract: z.strictObject({ column: text }),
    transform: z.strictObject({ jsonPath: text }).optional(),
  }),
  z.strictObject({
    fileSet: ref,
    extract: z.strictObject({ fileProperty: z.enum(["filename", "fullpath", "content"]) }),
    transform: z.strictObject({ regex: text }).optional(),
  }),
]);

const identifier = z.array(
  z.strictObject({ "@type": z.literal("sc:PropertyValue"), propertyID: text, value: hash }),
);
const agent = z.strictObject({
  "@type": z.enum(["prov:Agent", "prov:SoftwareAgent", "prov:Person", "prov:Organization"]),
  "prov:label": text,
  softwareVersion: text.optional(),
  description: text.optional(),
  identifier: identifier.optional(),
});
const agents = z.array(agent).min(1);
const activity = z.strictObject({
  "@type": z.literal("prov:Activity"),
  "prov:label": text,
  "prov:endedAtTime": z.iso.datetime().optional(),
  identifier: identifier.optional(),
  "prov:used": z
    .array(z.strictObject({ "@type": z.literal("prov:Entity"), "prov:label": text, identifier }))
    .optional(),
  "prov:wasAssociatedWith": agents,
});

const field = z.strictObject({
  "@type": z.literal("cr:Field"),
  "@id": text,
  name: text,
  description: text.optional(),
  dataType: z.union([
    z.enum(["sc:Text", "sc:URL", "sc:ImageObject"]),
    z.tuple([z.literal("sc:Text"), z.literal("cr:Label")]),
  ]),
  source: source.optional(),
  "prov:wasAttributedTo": agents.optional(),
  references: z.strictObject({ field: ref }).optional(),
});

const recordSet = z.strictObject({
  "@type": z.literal("cr:RecordSet"),
  "@id": text,
  name: text,
  description: text.optional(),
  dataType: z.literal("cr:Split").optional(),
  key: ref,
  field: z.array(field).min(1),
  data: z.array(z.record(z.string(), text)).optional(),
});

const rai = z.string().regex(/^rai:[a-zA-Z]+$/);
const party = z.strictObject({ "@type": z.enum(["sc:Organization", "sc:Person"]), name: text });
const usage = z.union([
  z.strictObject({
    "@type": z.literal("sc:DefinedTerm"),
    name: text,
    termCode: z.string().regex(/^DUO_\d{7}$/),
    url: z.string().regex(/^duo:\d{7}$/),
  }),
  z.strictObject({ "@type": z.literal("sc:CreativeWork"), name: text, url: z.url() }),
]);
const known = z.object({
  "@context": z.record(z.string(), z.unknown()),
  "@type": z.literal("sc:Dataset"),
  conformsTo: z.array(text).refine((list) => list.includes("http://mlcommons.org/croissant/1.1")),
  name: text,
  description: text,
  license: z.url(),
  url: z.url(),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  dateCreated: z.iso.date().optional(),
  dateModified: z.iso.date(),
  datePublished: z.iso.date(),
  creator: party,
  publisher: party,
  funding: z.strictObject({ "@type": z.literal("sc:Grant"), name: text }).optional(),
  conditionsOfAccess: text.optional(),
  usageInfo: z.array(usage).min(1),
  citeAs: text,
  keywords: z.array(text),
  isLiveDataset: z.boolean(),
  "prov:wasDerivedFrom": ref.optional(),
  "prov:wasGeneratedBy": z.array(activity).min(1),
  distribution: z.array(z.union([fileObject, fileSet])).min(1),
  recordSet: z.array(recordSet).min(1),
});
const dataset = known.catchall(z.union([text, z.array(text).min(1)]));

/** A Croissant document that was checked: the properties above, and RAI's. */
export type CroissantDocument = z.output<typeof known> & {
  readonly [property: `rai:${string}`]: string | string[];
};

const KNOWN = new Set(Object.keys(dataset.shape));

/**
 * Checks a document; it is of our making, so that a fault is ours.
 *
 * @throws AppError("internal", "CROISSANT") naming the first fault
 */
export function checkCroissant(document: unknown): CroissantDocument {
  const result = dataset.safeParse(document);
  if (!result.success) {
    const { key, expected, got } = schemaFault(result.error, document);
    throw fault(`${show(got)} for ${key}, which should be ${expected}`);
  }
  const extra = Object.keys(result.data).find((key) => !KNOWN.has(key) && !rai.safeParse(key).success);
  if (extra !== undefined) throw fault(`the unknown property ${extra}`);
  checkReferences(result.data);
  return result.data;
}

function checkReferences({ distribution, recordSet: sets }: CroissantDocument): void {
  const files = distribution.map((one) => one["@id"]);
  const fields = sets.flatMap((set) => set.field.map((one) => one["@id"]));
  const all = [...files, ...sets.map((set) => set["@id"]), ...fields];
  const twice = all.find((id, index) => all.indexOf(id) !== index);
  if (twice !== undefined) throw fault(`the id ${twice} twice`);
  const need = (id: string, among: readonly string[]) => {
    if (!among.includes(id)) throw fault(`a reference to ${id}, which is not there`);
  };
  for (const one of distribution)
    if ("containedIn" in one && one.containedIn !== undefined) need(one.containedIn["@id"], files);
  for (const set of sets) {
    need(
      set.key["@id"],
      set.field.map((one) => one["@id"]),
    );
    for (const { source: from, references } of set.field) {
      if (from !== undefined) need("fileSet" in from ? from.fileSet["@id"] : from.fileObject["@id"], files);
      if (references !== undefined) need(references.field["@id"], fields);
    }
    for (const key of (set.data ?? []).flatMap((row) => Object.keys(row))) need(key, fields);
  }
}

function fault(got: string): AppError {
  return new AppError("internal", "CROISSANT", `Expected a valid Croissant document, got ${got}`);
}
