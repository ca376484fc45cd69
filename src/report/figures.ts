import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Figure, LevelEvaluation } from "../evaluation/index.ts";
import { labels } from "../labels/index.ts";
import type { TrainingCurve } from "./summary.ts";

/** Inks of the figures: told apart in colour, in grey, and by people who see fewer colours. */
export const inks = {
  detector: "#1b5e9b",
  baseline: "#c2702a",
  chance: "#8a8f98",
  text: "#3c424b",
  rule: "#dfe2e6",
  paper: "#ffffff",
} as const;

const base = { style: { fontFamily: "inherit", fontSize: "12px", color: inks.text, background: "none" } } as const;

/** The ROC curve of `any` with that of the brain area and with chance, as SVG; `undefined` where there is none. */
export function rocFigure({ roc, labels: figures }: LevelEvaluation, level: "slice" | "study"): string | undefined {
  if (roc === undefined) return undefined;
  const { detector, baselines } = figures.any.rocAuc;
  const curve = (points: typeof roc.detector, ink: string, width: number) =>
    Plot.line(points, {
      x: "falsePositiveRate",
      y: "truePositiveRate",
      stroke: ink,
      strokeWidth: width,
      strokeLinejoin: "round",
    });
  const legend = [
    { y: 0.2, text: `detector, AUC ${two(detector.value)}`, ink: inks.detector },
    { y: 0.12, text: `brain area, AUC ${two(baselines.brainArea?.value)}`, ink: inks.baseline },
    { y: 0.04, text: "chance, AUC 0.50", ink: inks.chance },
  ];
  return svg({
    width: 380,
    height: 360,
    marginLeft: 52,
    marginBottom: 44,
    marginRight: 16,
    ariaLabel: `ROC curve of any, by ${level}`,
    x: { domain: [0, 1], label: "false positive rate (1 − specificity)", labelAnchor: "center", labelArrow: "none" },
    y: { domain: [0, 1], label: "true positive rate (sensitivity)", labelAnchor: "center", labelArrow: "none" },
    marks: [
      Plot.frame({ stroke: inks.rule }),
      Plot.gridX({ stroke: inks.rule, strokeOpacity: 1 }),
      Plot.gridY({ stroke: inks.rule, strokeOpacity: 1 }),
      Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: inks.chance, strokeDasharray: "4 4" }),
      curve(roc.brainArea, inks.baseline, 1.75),
      curve(roc.detector, inks.detector, 2.5),
      Plot.text(legend, { x: 0.98, y: "y", text: "text", fill: "ink", textAnchor: "end", fontWeight: 600 }),
    ],
  });
}

/** Training and validation loss by epoch, as SVG. */
export function trainingFigure({ epochs, bestEpoch, prevalenceLoss }: TrainingCurve): string {
  const validated = epochs.filter(({ validationLoss }) => validationLoss !== undefined);
  const best = validated.filter(({ epoch }) => epoch === bestEpoch);
  const last = (points: typeof epochs) => points.slice(-1);
  const apart = endsApart(epochs, prevalenceLoss);
  const line = (points: typeof epochs, y: "trainLoss" | "validationLoss", ink: string) => [
    Plot.line(points, { x: "epoch", y, stroke: ink, strokeWidth: 2.25 }),
    ...(points.length < 3 ? [Plot.dot(points, { x: "epoch", y, fill: ink, r: 3 })] : []),
    Plot.text(last(points), {
      x: "epoch",
      y,
      text: () => (y === "trainLoss" ? "training" : "validation"),
      fill: ink,
      textAnchor: "start",
      dx: 8,
      dy: apart[y],
      fontWeight: 600,
    }),
  ];
  return svg({
    width: 480,
    height: 270,
    marginLeft: 52,
    marginRight: 84,
    marginBottom: 44,
    ariaLabel: "Training and validation loss by epoch",
    x: {
      label: "epoch",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: wholeTicks(epochs.length),
      tickFormat: "d",
    },
    y: { label: "weighted log loss", labelAnchor: "center", labelArrow: "none", zero: true, nice: true, ticks: 6 },
    marks: [
      Plot.gridY({ stroke: inks.rule, strokeOpacity: 1 }),
      Plot.ruleY([0], { stroke: inks.rule }),
      ...prevalenceLine(prevalenceLoss, { lastEpoch: epochs.at(-1)?.epoch, dy: apart.prevalence }),
      ...line(epochs, "trainLoss", inks.detector),
      ...line(validated, "validationLoss", inks.baseline),
      Plot.dot(best, {
        x: "epoch",
        y: "validationLoss",
        stroke: inks.baseline,
        fill: inks.paper,
        r: 4.5,
        strokeWidth: 2,
      }),
      Plot.text(best, {
        x: "epoch",
        y: "validationLoss",
        text: () => "kept",
        fill: inks.baseline,
        ...besideBest(best[0], epochs),
      }),
    ],
  });
}

/** Where "kept" stands so that it lies neither on the training line nor on the names at the lines' ends. */
function besideBest(best: TrainingCurve["epochs"][number] | undefined, epochs: TrainingCurve["epochs"]) {
  const below = best?.validationLoss !== undefined && best.validationLoss < best.trainLoss;
  const atEnd = best !== undefined && best.epoch === epochs.at(-1)?.epoch && epochs.length > 1;
  return { dy: below ? 14 : -13, dx: atEnd ? -4 : 0, textAnchor: atEnd ? "end" : "middle" } as const;
}

/** Height of the plot and of a name beside it, pixels. */
const [plotHeight, nameHeight] = [206, 14];

/** Pixels by which the names at the lines' ends are moved, so that those of losses close together stay readable. */
function endsApart(
  epochs: TrainingCurve["epochs"],
  prevalence: number | undefined,
): Readonly<Record<"trainLoss" | "validationLoss" | "prevalence", number>> {
  const { trainLoss, validationLoss } = epochs.at(-1) ?? {};
  const most = Math.max(
    ...epochs.map((epoch) => Math.max(epoch.trainLoss, epoch.validationLoss ?? 0)),
    prevalence ?? 0,
  );
  const moved = { trainLoss: 0, validationLoss: 0, prevalence: 0 };
  const ends = Object.entries({ trainLoss, validationLoss, prevalence } as const)
    .flatMap(([name, loss]) => (loss === undefined ? [] : [{ name: name as keyof typeof moved, loss }]))
    .sort((a, b) => a.loss - b.loss);
  let above = Number.POSITIVE_INFINITY; // where the name below ends, pixels from the top
  for (const { name, loss } of ends) {
    const at = plotHeight * (1 - loss / most);
    const place = Math.min(at, above);
    moved[name] = place - at;
    above = place - nameHeight;
  }
  return moved;
}

/** What a network must beat to have learned anything. */
function prevalenceLine(
  loss: number | undefined,
  { lastEpoch, dy }: { readonly lastEpoch: number | undefined; readonly dy: number },
): Plot.Markish[] {
  if (loss === undefined || lastEpoch === undefined) return [];
  const end = [{ epoch: lastEpoch, loss }];
  return [
    Plot.ruleY(end, { y: "loss", stroke: inks.chance, strokeDasharray: "4 4" }),
    Plot.text(end, {
      x: "epoch",
      y: "loss",
      text: () => "prevalence",
      fill: inks.chance,
      textAnchor: "start",
      dx: 8,
      dy,
      fontWeight: 600,
    }),
  ];
}

/** ROC AUC of each label with its interval, the brain area's beside it, as SVG. */
export function aucFigure(level: LevelEvaluation, name: "slice" | "study"): string {
  const rows = labels.map((label) => ({ label, figure: level.labels[label].rocAuc }));
  const shown = rows.flatMap(({ label, figure }) => [
    ...estimateOf({ label, who: "detector", estimate: figure.detector }),
    ...estimateOf({ label, who: "baseline", estimate: figure.baselines.brainArea ?? {} }),
  ]);
  const missing = rows.filter(({ figure }) => figure.detector.value === undefined);
  // The detector's mark stands a little above its line's middle, the baseline's a little below.
  const marks = (["detector", "baseline"] as const).flatMap((who) => {
    const own = shown.filter((estimate) => estimate.who === who);
    const dy = who === "detector" ? -4 : 5;
    const ranged = own.filter(({ low }) => low !== undefined);
    return [
      Plot.ruleY(ranged, { y: "label", x1: "low", x2: "high", stroke: inks[who], strokeWidth: 2, dy }),
      who === "detector"
        ? Plot.dot(own, { x: "value", y: "label", fill: inks[who], r: 4.5, dy })
        : Plot.dot(own, { x: "value", y: "label", stroke: inks[who], fill: inks.paper, r: 3.5, strokeWidth: 2, dy }),
    ];
  });
  return svg({
    width: 380,
    height: 270,
    marginLeft: 122,
    marginRight: 16,
    marginBottom: 44,
    marginTop: 12,
    ariaLabel: `ROC AUC of each label by ${name}, with 95 % intervals`,
    x: { domain: [0, 1], label: "ROC AUC", labelAnchor: "center", labelArrow: "none", ticks: 6 },
    y: { domain: [...labels], label: null, tickSize: 0 },
    marks: [
      Plot.gridX({ stroke: inks.rule, strokeOpacity: 1 }),
      Plot.ruleX([0.5], { stroke: inks.chance, strokeDasharray: "4 4" }),
      ...marks,
      Plot.text(missing, { x: 0.02, y: "label", text: () => "one class only", textAnchor: "start", fill: inks.chance }),
    ],
  });
}

function estimateOf({
  label,
  who,
  estimate: { value, interval },
}: {
  readonly label: string;
  readonly who: "detector" | "baseline";
  readonly estimate: Partial<Figure["detector"]>;
}) {
  return value === undefined ? [] : [{ label, who, value, low: interval?.low, high: interval?.high }];
}

/** Ticks at whole epochs only, ten at most. */
function wholeTicks(epochs: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => epochs / size <= 10) ?? 1000;
  const ticks = Array.from({ length: Math.floor(epochs / step) }, (_, index) => (index + 1) * step);
  return step === 1 ? ticks : [1, ...ticks];
}

function svg(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const element = Plot.plot({ ...base, ...options, document });
  element.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  element.setAttribute("role", "img");
  return element.toString();
}

function two(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(2);
}
