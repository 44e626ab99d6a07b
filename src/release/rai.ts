// The fields of Croissant's RAI vocabulary (http://mlcommons.org/croissant/RAI/1.0), answered from tables and manifest.
import type { AuditSummary } from "../audit/summary.ts";
import { agreementText, labelErrorText } from "../report/audit.ts";
import { LABEL_SENTENCE, labelSources } from "./datasheet.ts";
import type { Answers, DatasetFacts, ReleaseInfo } from "./facts.ts";

type Fields = Readonly<Record<string, string | readonly string[]>>;

/** Property name to text, for the dataset's own node: of its tables, of a log of judgements, and of its publisher. */
export function raiFields({ answers = {}, rai = {} }: ReleaseInfo, facts: DatasetFacts): Fields {
  const people = answers.annotatorDemographics ?? [];
  const known = rai["rai:annotatorDemographics"];
  return {
    ...ofTables(facts, answers),
    ...ofAnnotations(facts, answers),
    ...rai,
    ...(known === undefined || people.length === 0
      ? {}
      : { "rai:annotatorDemographics": [known, ...people].flat() }),
  };
}

const NOT_RECORDED = "Not recorded.";

/** How the photographs and labels came to be, as far as nobody judged them since. */
function ofAnnotations({ manifest }: DatasetFacts, answers: Answers): Fields {
  const { collectionPeriod: period, annotationPlatform, annotationAnalysis } = answers;
  const drawn = manifest?.drawn === true;
  const none = drawn ? "None: nobody annotated what was drawn." : NOT_RECORDED;
  const raw = drawn
    ? "The frames that the program drew, which it draws again by the same seed."
    : `HaGRID's photographs (https://github.com/hukenovs/hagrid), which are no part of this dataset. ${answers.rawData ?? ""}`;
  return {
    "rai:dataCollectionRawData": raw.trim(),
    ...(period === undefined || period.from === null || period.to === null
      ? {}
      : { "rai:dataCollectionTimeFrame": [period.from, period.to] }),
    "rai:dataAnnotationPlatform": annotationPlatform ?? none,
    "rai:dataAnnotationAnalysis": annotationAnalysis ?? none,
    "rai:annotationsPerItem": answers.annotationsPerItem ?? none,
    "rai:annotatorDemographics": answers.annotatorDemographics ?? none,
  };
}

function ofTables(facts: DatasetFacts, answers: Answers): Fields {
  const { manifest, pairs, subjects, unknown, smallGroups, groups, counts } = facts;
  const drawn = manifest?.drawn === true;
  const gender = counts.groups.filter(({ by, split }) => by === "gender" && split === "all");
  const derived = answers.derivation ?? NOT_RECORDED;
  const tools = manifest === undefined ? "not recorded" : `faces: ${manifest.recipe.detector.name}`;
  return {
    "rai:dataCollection": drawn
      ? "Drawn by a program; nobody shown is real."
      : "Photographs of HaGRID, taken by crowd workers of themselves; faces and hands were cut from them.",
    "rai:dataCollectionType": drawn ? "Software Collection" : "Secondary Data Analysis",
    "rai:dataCollectionMissingData": `Age is unknown for ${unknown.age} of ${pairs} pairs, race for ${unknown.race}.`,
    "rai:dataPreprocessingProtocol":
      manifest === undefined
        ? derived
        : `Faces aligned (${manifest.recipe.face.template}), hands cut (${manifest.recipe.hand.crop}); recipe ${manifest.recipeHash}.`,
    "rai:dataManipulationProtocol":
      manifest === undefined
        ? derived
        : `${manifest.counts.kept} of ${manifest.counts.frames} photographs were kept; ledger.csv has the reason of each other.`,
    "rai:dataAnnotationProtocol": `${labelSources(manifest, answers)} ${LABEL_SENTENCE}`,
    "rai:machineAnnotationTools": drawn
      ? [tools, "labels: none, they are what was drawn"]
      : [tools, "labels: FairFace and MiVOLO, where HaGRIDv2's metadata was used"],
    "rai:dataBiases": [
      `Recorded as ${gender.map(({ value, pairs: n, subjects: s }) => `${value}: ${n} pairs of ${s} subjects`).join(", ")}.`,
      `${smallGroups} of ${groups} recorded groups have fewer than 20 subjects.`,
      "Apparent labels carry the errors of whoever recorded them, which are not spread evenly over groups.",
    ],
    "rai:dataLimitations": drawn
      ? `${subjects} invented subjects: figures prove nothing about real pictures.`
      : `${subjects} subjects, who chose to take part in HaGRID; two recorded classes of gender.`,
    "rai:dataUseCases": [
      "Research on datasets, on models of apparent sex from hands and faces, and on their fairness.",
      "Not for decisions about people, identification, or inference of anybody's sex, gender or identity.",
    ],
    "rai:dataSocialImpact":
      "Models of apparent sex can be misused to sort people; figures by recorded group are given so that their errors are seen.",
    "rai:personalSensitiveInformation": drawn
      ? ["None: nobody is real."]
      : ["Faces", "Apparent gender", "Apparent age", "Apparent race or skin-tone class"],
    "rai:dataReleaseMaintenancePlan":
      "A corrected dataset is a new version; hashes of all files are in SHA256SUMS.",
  };
}

/** The same of what people judged about the pairs; nobody is named. */
export function auditFields(audit: AuditSummary): Fields {
  const { things, subjects, judgements, annotators, perThing, rows, errors } = audit;
  return {
    "rai:annotationsPerItem": `${perThing.toFixed(2)} judgements of each of the ${things} pairs and subjects (${subjects} subjects) that people looked at.`,
    "rai:annotatorDemographics": `${annotators} annotators; their log records nothing else of them.`,
    "rai:dataAnnotationPlatform": "The page of facehand serve (Audit), on the annotators' own machines.",
    "rai:dataAnnotationAnalysis": [
      `${judgements} judgements of people about recorded labels, of which those that agreed became decisions.`,
      ...rows.filter(({ group }) => group === undefined).map(agreementText),
      ...errors.map(labelErrorText),
    ],
  };
}
