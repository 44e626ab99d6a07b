// What only the publisher can say about a dataset: the questions of its datasheet that tables, manifest and judgements may leave
// open. Source: Gebru et al., Datasheets for Datasets (CACM 2021); the RAI vocabulary of Croissant 1.0.
// Invariants: this table alone says which questions there are and when they are open; a question that the dataset itself answers
// cannot be answered a second time.
import { stringify } from "yaml";
import type { Manifest } from "../dataset/manifest.ts";

/** Sections of the datasheet that have such questions. */
export const ASKED_SECTIONS = [
  "Motivation",
  "Collection process",
  "Preprocessing, cleaning, labelling",
  "Uses",
  "Distribution",
  "Maintenance",
] as const;
/** The section in which an answer stands. */
export type AskedSection = (typeof ASKED_SECTIONS)[number];

/** What may answer a question. */
export interface Asked {
  readonly facts: { readonly manifest: Manifest | undefined };
  /** Fields that a log of judgements answers, by RAI's names. */
  readonly rai?: Readonly<Record<string, unknown>> | undefined;
}

interface Question {
  readonly section: AskedSection;
  /** What the datasheet calls it. */
  readonly title: string;
  /** What the template asks. */
  readonly asks: string;
  /** How it is answered. */
  readonly form: "text" | "list" | "day" | "period" | "creators";
  /** True where something else is stated in place of an answer. */
  readonly hasDefault?: boolean;
  /** What answers it already; undefined while it is open. */
  readonly answered: (asked: Asked) => string | undefined;
}

const open = () => undefined;
const NOBODY = "nobody in this dataset is real";
const ofPeople = ({ facts }: Asked) => (facts.manifest?.drawn === true ? NOBODY : undefined);
const withoutManifest = ({ facts }: Asked) =>
  facts.manifest === undefined ? undefined : "manifest.json has it";
const ofJudgements = (field: string) => (asked: Asked) =>
  ofPeople(asked) ?? (asked.rai?.[field] === undefined ? undefined : "the log of --annotations answers it");

/** By the key of an answer, in the order of the template. */
export const QUESTIONS = {
  funding: {
    section: "Motivation",
    title: "Funding",
    asks: "Who paid for making this dataset?",
    form: "text",
    answered: open,
  },
  created: {
    section: "Collection process",
    title: "Day of creation",
    asks: "On which day was the dataset first made? yyyy-mm-dd",
    form: "day",
    answered: open,
  },
  modified: {
    section: "Maintenance",
    title: "Last changed",
    asks: "On which day were its contents last changed, if not on the day of publication? yyyy-mm-dd",
    form: "day",
    hasDefault: true,
    answered: open,
  },
  collectionPeriod: {
    section: "Collection process",
    title: "Period of collection",
    asks: "In which period were the photographs taken? from and to, each yyyy-mm-dd",
    form: "period",
    answered: ofPeople,
  },
  consent: {
    section: "Collection process",
    title: "Consent",
    asks: "What did the people in the photographs agree to, and how can they take it back?",
    form: "text",
    answered: ofPeople,
  },
  ethicsReview: {
    section: "Collection process",
    title: "Ethical review",
    asks: "Did a board review the collection or this dataset, and with what result?",
    form: "text",
    answered: ofPeople,
  },
  impactAssessment: {
    section: "Collection process",
    title: "Impact assessment",
    asks: "Was the impact on the people shown assessed, for instance under GDPR Art. 35?",
    form: "text",
    answered: ofPeople,
  },
  legalBasis: {
    section: "Collection process",
    title: "Legal basis",
    asks: "On which basis, for instance of GDPR Art. 6 and 9, are the pictures processed and published?",
    form: "text",
    answered: ofPeople,
  },
  rawData: {
    section: "Collection process",
    title: "Raw data",
    asks: "Are the photographs, as they were before cropping, stored or published beside, and where?",
    form: "text",
    answered: ofPeople,
  },
  derivation: {
    section: "Preprocessing, cleaning, labelling",
    title: "Derivation",
    asks: "How were faces and hands found, cut and cleaned, and how were splits made?",
    form: "text",
    answered: withoutManifest,
  },
  labelling: {
    section: "Preprocessing, cleaning, labelling",
    title: "Labels",
    asks: "How did the labels of gender, age and race come about?",
    form: "text",
    answered: withoutManifest,
  },
  annotationsCreators: {
    section: "Preprocessing, cleaning, labelling",
    title: "Kinds of annotators",
    asks: "Who made the labels, in the hub's words? A list of crowdsourced, expert-generated, found, machine-generated, other",
    form: "creators",
    answered: withoutManifest,
  },
  annotationPlatform: {
    section: "Preprocessing, cleaning, labelling",
    title: "Annotation platform",
    asks: "On which platforms or by which tools did people label or judge?",
    form: "list",
    answered: ofJudgements("rai:dataAnnotationPlatform"),
  },
  annotationAnalysis: {
    section: "Preprocessing, cleaning, labelling",
    title: "Analysis of annotations",
    asks: "How did single annotations become labels, and how far did annotators agree?",
    form: "list",
    answered: ofJudgements("rai:dataAnnotationAnalysis"),
  },
  annotationsPerItem: {
    section: "Preprocessing, cleaning, labelling",
    title: "Annotations per item",
    asks: "How many people labelled each pair?",
    form: "text",
    answered: ofJudgements("rai:annotationsPerItem"),
  },
  annotatorDemographics: {
    section: "Preprocessing, cleaning, labelling",
    title: "Annotators",
    asks: "What is known about the annotators as a group (number, country, age, training, pay)? Name nobody",
    form: "list",
    answered: ofPeople,
  },
  earlierUses: {
    section: "Uses",
    title: "Earlier uses",
    asks: "What was the dataset used for already, and where are such uses listed?",
    form: "list",
    answered: open,
  },
  restrictions: {
    section: "Distribution",
    title: "Further restrictions",
    asks: "What else restricts access or use: contracts, export controls, third parties?",
    form: "text",
    answered: open,
  },
  publisher: {
    section: "Distribution",
    title: "Publisher",
    asks: "Which organization publishes it, if it is not --creator?",
    form: "text",
    hasDefault: true,
    answered: open,
  },
  contact: {
    section: "Maintenance",
    title: "Contact",
    asks: "Whom can users, and people shown, write to?",
    form: "text",
    answered: open,
  },
  retention: {
    section: "Maintenance",
    title: "Retention",
    asks: "How long are the pictures stored, and what happens to earlier versions?",
    form: "text",
    answered: open,
  },
} as const satisfies Readonly<Record<string, Question>>;
/** Key of a question. */
export type QuestionKey = keyof typeof QUESTIONS;
/** All keys, in the order of the template. */
export const QUESTION_KEYS = Object.keys(QUESTIONS) as QuestionKey[];

/** Questions that nothing answers. */
export function openQuestions(asked: Asked): QuestionKey[] {
  return QUESTION_KEYS.filter((key) => QUESTIONS[key].answered(asked) === undefined);
}

const EMPTY: Readonly<Record<Question["form"], unknown>> = {
  text: null,
  day: null,
  list: [],
  creators: [],
  period: { from: null, to: null },
};

/** A file of answers without any: each open question as a comment over its key. @example answersTemplate({ facts }) */
export function answersTemplate(asked: Asked): string {
  const blocks = openQuestions(asked).map((key) => {
    const { section, asks, form } = QUESTIONS[key];
    const empty = stringify({ [key]: EMPTY[form] }, { nullStr: "" });
    return `# ${section}: ${asks}\n${empty.replace(/[ \t]+$/gm, "")}`;
  });
  return [
    "# Answers for the datasheet, for --answers of release bundle, card, croissant and page. Everything here is published:",
    "# name no person. What stays empty is declared as not recorded.",
    "",
    blocks.join("\n"),
  ].join("\n");
}
