// ◇ Browser-safe. The table of metrics: what each is computed from and how, what tables call it, which value is the better
// one, what interval it has, whose subjects it rests on. A metric is its row here: tables, reports, comparisons, the
// choices of study files and the columns of CSV files all go through it, in this order.
// Sources: scikit-learn's definitions of roc_auc_score (midranks), average_precision_score, f1_score, matthews_corrcoef,
// cohen_kappa_score, brier_score_loss and log_loss. Nothing is rounded; `null` means "not defined by these images".
import { ratio } from "./binary.ts";
import { adaptiveEce, equalWidthEce } from "./calibration.ts";
import { f1Female, f1Male, kappaOf, mccOf, mean, total, tprFemale, tprGap, tprMale } from "./counts.ts";
import { eerOf, prAucFemaleOf, prAucOf, rocAucOf } from "./ranking.ts";
import type { Metric } from "./row.ts";

const BOTH = ["female", "male"] as const;
const EVERY = ["truePositive", "falsePositive", "trueNegative", "falseNegative"] as const;

/** All metrics that are single figures, in the order of tables. */
export const METRIC_TABLE = {
  accuracy: {
    title: "accuracy",
    from: "counts",
    of: (c) => (c.truePositive + c.trueNegative) / total(c),
    better: "higher",
    interval: "rate",
    denominator: EVERY,
    restsOn: ["all"],
  },
  /** `null` unless both classes occur. */
  balancedAccuracy: {
    title: "balanced accuracy",
    from: "counts",
    of: (c) => mean(tprFemale(c), tprMale(c)),
    better: "higher",
    interval: "mean",
    restsOn: BOTH,
  },
  /** Share of the images recorded as female that are decided female; null if there are none. */
  tprFemale: {
    title: "TPR female",
    from: "counts",
    of: tprFemale,
    better: "higher",
    interval: "rate",
    denominator: ["trueNegative", "falsePositive"],
    restsOn: ["female"],
    ofOneClass: true,
  },
  /** Share of the images recorded as male that are decided male; null if there are none. */
  tprMale: {
    title: "TPR male",
    from: "counts",
    of: tprMale,
    better: "higher",
    interval: "rate",
    denominator: ["truePositive", "falseNegative"],
    restsOn: ["male"],
    ofOneClass: true,
  },
  /** Males' share minus females': above 0 if males are decided as recorded more often; null unless both classes occur. */
  tprGap: {
    title: "TPR male - female",
    from: "counts",
    of: tprGap,
    better: "nearer 0",
    interval: "gap",
    restsOn: BOTH,
    ofOneClass: true,
  },
  /** `null` unless both classes occur. */
  rocAuc: {
    title: "ROC-AUC",
    from: "order",
    of: rocAucOf,
    better: "higher",
    interval: "draws",
    restsOn: BOTH,
  },
  /** Average precision, male positive: sum of (recall step) x precision, no interpolation; null unless both classes occur. */
  prAuc: {
    title: "PR-AUC",
    from: "order",
    of: prAucOf,
    better: "higher",
    interval: "draws",
    restsOn: BOTH,
  },
  /** The same with female as positive. */
  prAucFemale: {
    title: "PR-AUC female",
    from: "order",
    of: prAucFemaleOf,
    better: "higher",
    interval: "draws",
    restsOn: BOTH,
  },
  /**
   * Error of both classes at the threshold where they are equal, linear between the points of the ROC curve; null
   * unless both classes occur.
   */
  eer: {
    title: "EER",
    from: "order",
    of: eerOf,
    better: "lower",
    interval: "draws",
    restsOn: BOTH,
  },
  /** `null` if male is neither recorded nor decided. */
  f1Male: {
    title: "F1 male",
    from: "counts",
    of: f1Male,
    better: "higher",
    interval: "draws",
    restsOn: ["eitherMale"],
    ofOneClass: true,
  },
  f1Female: {
    title: "F1 female",
    from: "counts",
    of: f1Female,
    better: "higher",
    interval: "draws",
    restsOn: ["eitherFemale"],
    ofOneClass: true,
  },
  /** `null` if that of either class is. */
  f1Macro: {
    title: "F1 macro",
    from: "counts",
    of: (c) => mean(f1Male(c), f1Female(c)),
    better: "higher",
    interval: "draws",
    restsOn: ["eitherFemale", "eitherMale"],
  },
  /** Share of the images decided male that are recorded as male; null if there are none. */
  precisionMale: {
    title: "precision male",
    from: "counts",
    of: (c) => ratio(c.truePositive, c.truePositive + c.falsePositive),
    better: "higher",
    interval: "rate",
    denominator: ["truePositive", "falsePositive"],
    restsOn: ["decidedMale"],
    ofOneClass: true,
  },
  precisionFemale: {
    title: "precision female",
    from: "counts",
    of: (c) => ratio(c.trueNegative, c.trueNegative + c.falseNegative),
    better: "higher",
    interval: "rate",
    denominator: ["trueNegative", "falseNegative"],
    restsOn: ["decidedFemale"],
    ofOneClass: true,
  },
  /** Matthews' correlation of decisions and records, -1 to 1; null unless both classes are recorded and decided. */
  mcc: {
    title: "MCC",
    from: "counts",
    of: mccOf,
    better: "higher",
    interval: "draws",
    restsOn: BOTH,
  },
  /** Cohen's kappa of decisions and records; null if both are all of one and the same class. */
  kappa: {
    title: "kappa",
    from: "counts",
    of: kappaOf,
    better: "higher",
    interval: "draws",
    restsOn: BOTH,
  },
  /** Share of all images that are decided male. */
  decidedMale: {
    title: "share decided male",
    from: "counts",
    of: (c) => (c.truePositive + c.falsePositive) / total(c),
    better: "neither",
    interval: "rate",
    denominator: EVERY,
    restsOn: ["all"],
  },
  /** Mean probability of male minus share of males (calibration in the large). */
  meanError: {
    title: "mean p - share male",
    from: "sums",
    of: ({ probabilities, males, n }) => (probabilities - males) / n,
    better: "nearer 0",
    interval: "draws",
    restsOn: ["all"],
  },
  brier: {
    title: "Brier",
    from: "sums",
    of: ({ squares, n }) => squares / n,
    better: "lower",
    interval: "draws",
    restsOn: ["all"],
  },
  /** Mean negative log-likelihood in nats, clipped at EPSILON. */
  nll: {
    title: "NLL",
    from: "sums",
    of: ({ logs, n }) => logs / n,
    better: "lower",
    unit: "nats",
    interval: "draws",
    restsOn: ["all"],
  },
  /** Expected calibration error of the probability of male, 15 equal-width bins. */
  ece: {
    title: "ECE 15 bins",
    from: "bins",
    of: equalWidthEce,
    better: "lower",
    interval: "differences",
    restsOn: ["all"],
  },
  /** The same over 15 bins of about equally many images. */
  eceAdaptive: {
    title: "ECE adaptive",
    from: "bins",
    of: adaptiveEce,
    better: "lower",
    interval: "none",
    restsOn: ["all"],
  },
} as const satisfies Readonly<Record<string, Metric>>;

type Table = typeof METRIC_TABLE;
/** The name of a metric. */
export type MetricName = keyof Table;
/** Names of the metrics that follow from counts alone, from the order of probabilities, ... */
export type MetricFrom<F extends Metric["from"]> = {
  [K in MetricName]: Table[K]["from"] extends F ? K : never;
}[MetricName];
/** Names of the metrics with one of these intervals. */
export type MetricWith<I extends Metric["interval"]> = {
  [K in MetricName]: Table[K]["interval"] extends I ? K : never;
}[MetricName];
/** The value of a metric: null only where its row allows it. */
export type MetricValue<K extends MetricName> = ReturnType<Table[K]["of"]>;

/** Names of all metrics, in the order of tables. */
export const METRICS = Object.keys(METRIC_TABLE) as readonly MetricName[];

/** The row of a metric, whichever it is. */
export const metricRow = (name: MetricName): Metric => METRIC_TABLE[name];

/** Names of the metrics that are computed from this, in the order of tables. */
export const metricsFrom = <F extends Metric["from"]>(from: F) =>
  METRICS.filter((name): name is MetricFrom<F> => metricRow(name).from === from);

/** What tables of groups have room for. */
export const GROUP_METRICS = ["accuracy", "balancedAccuracy", "tprFemale", "tprMale"] as const;
