import { type Fold, folds, type Label, labels } from "../labels/index.ts";
import { examplesSection } from "./examples.ts";
import { trainingFigure } from "./figures.ts";
import { html, type Markup, trusted } from "./markup.ts";
import { pageStyle } from "./page-style.ts";
import { resultsSection } from "./results.ts";
import type { DataSection, FreshStudy, NamedValue, NetworkSection, NextStep, Summary } from "./summary.ts";

/**
 * The summary of a run as one HTML page that needs nothing besides itself: no script, no font, no address outside;
 * pictures stand in it as PNG and SVG. The same summary gives the same page.
 */
export function writeSummary(summary: Summary): string {
  const { title, lead, data, network, evaluation, examples, fresh, next, provenance } = summary;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${lead.map((paragraph) => html`<p class="lead">${paragraph}</p>`)}
${warning(summary)}
${dataSection(data)}
${networkSection(network)}
${resultsSection(evaluation)}
${examplesSection(examples, evaluation.slice.labels.any.operatingPoint.threshold)}
${fresh === undefined ? "" : freshSection(fresh)}
${nextSection(next)}
<h2>Provenance</h2>
${namedValues(provenance, "code")}
<footer class="soft">Made by Ichor from the files of the run. Not a medical device; not for diagnosis or for any decision about
a patient.</footer>
</main>
</body>
</html>
`;
  return page.text;
}

function warning({ origin }: Summary): Markup {
  const simulated = html` The studies are simulated: what a network learns from them proves nothing about patients.`;
  return html`<p class="warning"><strong>Not a medical device.</strong> Research software, not for diagnosis or for any decision
about a patient.${origin === "simulated" ? simulated : ""}</p>`;
}

function dataSection({ files, folds: counts }: DataSection): Markup {
  const cell = (fold: Fold, label: Label) => {
    const positive = counts[fold].positives[label];
    const share = counts[fold].slices > 0 ? ` (${percent(positive / counts[fold].slices)})` : "";
    return html`<td class="number">${positive}<span class="interval">${share}</span></td>`;
  };
  return html`
<h2>The data</h2>
<p>${files.found} files: ${files.used} used, ${files.setAside} set aside, ${files.failed} failed. Patients are split, not slices: whoever is in one fold is in no
other, and patients who share a slice stay together.</p>
<div class="wide"><table class="counts">
<thead><tr><th>fold</th><th class="number">patients</th><th class="number">slices</th>
${labels.map((label) => html`<th class="number">${label}</th>`)}</tr></thead>
<tbody>${folds.map(
    (fold) => html`<tr><th scope="row">${fold}</th><td class="number">${counts[fold].patients}</td>
<td class="number">${counts[fold].slices}</td>${labels.map((label) => cell(fold, label))}</tr>`,
  )}</tbody></table></div>
<p class="note">By label: positive slices, and their share of the fold's labelled slices.</p>`;
}

function networkSection({ description, settings, curve }: NetworkSection): Markup {
  return html`
<h2>The network and its training</h2>
<p>${description}</p>
<figure class="single">${trusted(trainingFigure(curve))}<figcaption>Weighted log loss by epoch (any counts twice). The training loss is the
epoch's mean over augmented slices, with the network's penalty in it; the validation loss is of patients not trained on. The
epoch marked “kept” became the detector.${
    curve.prevalenceLoss === undefined
      ? ""
      : html` Dashed: what saying the train fold's
prevalence of every validation slice comes to, ${curve.prevalenceLoss.toFixed(3)}.`
  }</figcaption></figure>
${namedValues(settings, "plain")}`;
}

function freshSection({ description, studies }: NonNullable<Summary["fresh"]>): Markup {
  const known = studies.some(({ truth }) => truth !== undefined);
  const chance = ({ probabilities, called }: FreshStudy, label: Label) =>
    html`<td class="number ${called.includes(label) ? "own" : ""}">${probabilities[label].toFixed(2)}</td>`;
  return html`
<h2>Fresh studies</h2>
<p>${description}</p>
<div class="wide"><table>
<thead><tr><th>study</th><th class="number">slices</th>${labels.map((label) => html`<th class="number">${label}</th>`)}
${known ? html`<th>in it</th>` : ""}</tr></thead>
<tbody>${studies.map(
    (study) => html`<tr><th scope="row">${shortened(study.study)}</th><td class="number">${study.slices}</td>
${labels.map((label) => chance(study, label))}${known ? html`<td>${contents(study)}</td>` : ""}</tr>`,
  )}</tbody></table></div>
<p class="note">Probabilities by study, not calibrated; bold where the detector calls the label.</p>`;
}

/** The types in a study; that there are any goes without saying. */
function contents({ truth = [] }: FreshStudy): string {
  const types = truth.filter((label) => label !== "any");
  return truth.length === 0 ? "no hemorrhage" : types.length === 0 ? "hemorrhage" : types.join(", ");
}

/** A UID's end tells studies of one source apart. */
function shortened(uid: string): string {
  return uid.length > 24 ? `…${uid.slice(-20)}` : uid;
}

function nextSection(steps: readonly NextStep[]): Markup {
  if (steps.length === 0) return html``;
  return html`
<h2>What to run next</h2>
${steps.map(({ what, command }) => html`<p>${what}</p><pre>${command}</pre>`)}`;
}

function namedValues(values: readonly NamedValue[], style: "plain" | "code"): Markup {
  const cell = (value: string) => (style === "code" ? html`<code>${value}</code>` : html`${value}`);
  return html`<div class="wide"><table class="named"><tbody>
${values.map(({ name, value }) => html`<tr><th scope="row">${name}</th><td>${cell(value)}</td></tr>`)}
</tbody></table></div>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.095 ? 1 : 0)} %`;
}
