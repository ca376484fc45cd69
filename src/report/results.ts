import type { Estimate, Evaluation, Figure, LevelEvaluation } from "../evaluation/index.ts";
import { labels } from "../labels/index.ts";
import { aucFigure, rocFigure } from "./figures.ts";
import { html, type Markup, trusted } from "./markup.ts";

type Level = "slice" | "study";

/** The figures on patients not trained on: headlines, pictures, and tables with the baselines beside every figure. */
export function resultsSection(evaluation: Evaluation): Markup {
  const { provenance, counts, slice, study } = evaluation;
  const { bootstrap, prevalence } = provenance;
  const left = [
    counts.unlabelled > 0 ? `${counts.unlabelled} slices without labels` : "",
    counts.unreadable > 0 ? `${counts.unreadable} slices that could not be read` : "",
  ].filter((words) => words !== "");
  return html`
<h2>Results on ${provenance.fold === "train" ? "patients it has learned from" : "patients it has not learned from"}</h2>
<p>The ${provenance.fold} fold: ${counts.scored} labelled slices of ${counts.studies} studies of ${counts.patients} patients.
${left.length > 0 ? `Left out: ${left.join(", ")}.` : ""} A study's score is the largest of its slices'.</p>
${headlines(evaluation)}
${pair([rocFigure(slice, "slice"), "slice"], [rocFigure(study, "study"), "study"], (level) => `ROC of any, by ${level}`)}
${pair(
  [aucFigure(slice, "slice"), "slice"],
  [aucFigure(study, "study"), "study"],
  (level) =>
    `ROC AUC by ${level}: filled, the detector; open, the brain area; lines, 95 % intervals; dashed, what prevalence and “nothing” reach (0.5).`,
)}
${levelTable(slice, "slice")}
${levelTable(study, "study")}
<p class="note">In brackets: 95 % interval of ${bootstrap.rounds} bootstrap rounds over patients (seed ${bootstrap.seed}); none where fewer
than two patients stand behind a figure. ★: better than the brain area, for log loss than prevalence, with the whole interval
of the difference above 0.</p>
<p class="note">Baselines. Brain area: share of the slice's pixels between 0 and 80 HU, which knows nothing of blood; its sensitivity
and specificity are the best that these very cases allow at the detector's other one. Prevalence: says of every case how
frequent the label is in the train fold (${prevalence.slices} slices, ${prevalence.studies} studies). Nothing: says 0 of everything.</p>`;
}

function headlines({ slice, study }: Evaluation): Markup {
  const tile = (
    name: string,
    { detector, baselines, n, positives }: Figure,
    beside: "brainArea" | "prevalence",
  ) => html`<div>
<div class="name">${name}</div><div class="value">${three(detector.value)}</div>
<div class="beside">${range(detector)} · n = ${n}, ${positives} positive<br>
${beside === "brainArea" ? "brain area" : "lower is better; prevalence"} ${three(baselines[beside]?.value)}</div></div>`;
  return html`<div class="headlines">
${tile("ROC AUC of any, by study", study.labels.any.rocAuc, "brainArea")}
${tile("ROC AUC of any, by slice", slice.labels.any.rocAuc, "brainArea")}
${tile("Weighted log loss, by slice", slice.weightedLogLoss, "prevalence")}
</div>`;
}

function pair(
  one: readonly [string | undefined, Level],
  other: readonly [string | undefined, Level],
  caption: (level: Level) => string,
): Markup {
  const figures = [one, other].flatMap(([svg, level]) =>
    svg === undefined ? [] : [html`<figure>${trusted(svg)}<figcaption>${caption(level)}</figcaption></figure>`],
  );
  return html`<div class="pair">${figures}</div>`;
}

function levelTable(level: LevelEvaluation, name: Level): Markup {
  const of = (pick: (label: (typeof labels)[number]) => Figure) =>
    labels.map((label) => figureRow(label, pick(label), undefined));
  const { threshold } = level.labels.any.operatingPoint;
  return html`<h3>By ${name}</h3>
<div class="wide"><table>
<thead><tr><th></th><th class="number">positive of n</th><th class="number">patients</th><th class="number">detector</th>
<th class="number">brain area</th><th class="number">prevalence</th><th class="number">nothing</th></tr></thead>
<tbody>
${group("ROC AUC")}${of((label) => level.labels[label].rocAuc)}
${group("Average precision")}${of((label) => level.labels[label].averagePrecision)}
${group("Log loss, lower is better")}${of((label) => level.labels[label].logLoss)}
${figureRow("weighted", level.weightedLogLoss, "any counts twice")}
${group(`any, called from a probability of ${three(threshold)} on`)}
${figureRow("sensitivity", level.labels.any.operatingPoint.sensitivity, undefined)}
${figureRow("specificity", level.labels.any.operatingPoint.specificity, undefined)}
</tbody></table></div>`;
}

function group(name: string): Markup {
  return html`<tr class="group"><th colspan="7" scope="rowgroup">${name}</th></tr>`;
}

function figureRow(
  name: string,
  { n, positives, positivePatients, patients, detector, baselines, gain }: Figure,
  remark: string | undefined,
): Markup {
  const star = gain.interval !== undefined && gain.interval.low > 0 ? " ★" : "";
  return html`<tr><th scope="row">${name}${remark === undefined ? "" : html` <span class="soft">(${remark})</span>`}</th>
<td class="number">${positives} of ${n}</td><td class="number">${positivePatients} of ${patients}</td>
<td class="number own">${three(detector.value)}${star} ${interval(detector)}</td>
<td class="number">${baselines.brainArea === undefined ? "" : html`${three(baselines.brainArea.value)} ${interval(baselines.brainArea)}`}</td>
<td class="number">${three(baselines.prevalence.value)}</td><td class="number">${three(baselines.nothing.value)}</td></tr>`;
}

function interval(estimate: Estimate): Markup {
  return estimate.interval === undefined ? html`` : html`<span class="interval">(${range(estimate)})</span>`;
}

function range({ interval: found }: Estimate): string {
  return found === undefined ? "no interval" : `${three(found.low)}–${three(found.high)}`;
}

function three(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(3);
}
