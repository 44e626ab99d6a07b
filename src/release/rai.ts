// The fields of Croissant's RAI vocabulary (http://mlcommons.org/croissant/RAI/1.0), answered from tables and manifest.
import type { AuditSummary } from "../audit/summary.ts";
import { agreementText, labelErrorText } from "../report/audit.ts";
import { LABEL_SENTENCE, labelSources } from "./datasheet.ts";
import type { DatasetFacts } from "./facts.ts";

/** Property name to text, for the dataset's own node. */
export function raiFields(facts: DatasetFacts): Readonly<Record<string, string | readonly string[]>> {
  const { manifest, pairs, subjects, unknown, smallGroups, groups, counts } = facts;
  const drawn = manifest?.drawn === true;
  const gender = counts.groups.filter(({ by, split }) => by === "gender" && split === "all");
  const tools = manifest === undefined ? "not recorded" : `faces: ${manifest.recipe.detector.name}`;
  return {
    "rai:dataCollection": drawn
      ? "Drawn by a program; nobody shown is real."
      : "Photographs of HaGRID, taken by crowd workers of themselves; faces and hands were cut from them.",
    "rai:dataCollectionType": drawn ? "Software Collection" : "Secondary Data Analysis",
    "rai:dataCollectionMissingData": `Age is unknown for ${unknown.age} of ${pairs} pairs, race for ${unknown.race}.`,
    "rai:dataPreprocessingProtocol":
      manifest === undefined
        ? "Not recorded."
        : `Faces aligned (${manifest.recipe.face.template}), hands cut (${manifest.recipe.hand.crop}); recipe ${manifest.recipeHash}.`,
    "rai:dataManipulationProtocol":
      manifest === undefined
        ? "Not recorded."
        : `${manifest.counts.kept} of ${manifest.counts.frames} photographs were kept; ledger.csv has the reason of each other.`,
    "rai:dataAnnotationProtocol": `${labelSources(manifest)} ${LABEL_SENTENCE}`,
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
export function auditFields(audit: AuditSummary): Readonly<Record<string, string | readonly string[]>> {
  const { things, subjects, judgements, annotators, perThing, rows, errors } = audit;
  return {
    "rai:annotationsPerItem": `${perThing.toFixed(2)} judgements of each of the ${things} pairs and subjects (${subjects} subjects) that people looked at.`,
    "rai:annotatorDemographics": `${annotators} annotators, of whom nothing else is recorded.`,
    "rai:dataAnnotationAnalysis": [
      `${judgements} judgements of people about recorded labels, of which those that agreed became decisions.`,
      ...rows.filter(({ group }) => group === undefined).map(agreementText),
      ...errors.map(labelErrorText),
    ],
  };
}
