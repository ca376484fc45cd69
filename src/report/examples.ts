import { applyWindow, type WindowName, windows } from "../ct/index.ts";
import { type Label, labels } from "../labels/index.ts";
import { html, type Markup } from "./markup.ts";
import { type EvidenceMap, evidenceColours, overlayEvidence, peakOf } from "./overlay.ts";
import { dataUri, type Picture } from "./png.ts";
import type { ExampleSlice } from "./summary.ts";

const shownWindows = ["brain", "subdural", "bone"] as const satisfies readonly WindowName[];

/** Weak maps are not blown up to full colour: at least so many logits of evidence for the palest yellow. */
const leastFull = 2;

const titles = {
  found: "Found",
  missed: "Missed",
  "false alarm": "False alarm",
} as const satisfies Record<ExampleSlice["kind"], string>;

/** Slices of patients not trained on, in three windows and with the evidence over the brain window. */
export function examplesSection(examples: readonly ExampleSlice[], threshold: number): Markup {
  if (examples.length === 0) return html``;
  const full = Math.max(leastFull, ...examples.map(({ evidence }) => (evidence === undefined ? 0 : peakOf(evidence))));
  const kinds = Object.keys(titles) as ExampleSlice["kind"][];
  const counts = kinds.map((kind) => ({ kind, count: examples.filter((example) => example.kind === kind).length }));
  const absent = counts.filter(({ count }) => count === 0).map(({ kind }) => titles[kind].toLowerCase());
  const some = examples.some(({ evidence }) => evidence !== undefined);
  return html`
<h2>Examples</h2>
<p>Slices of patients not trained on, in the field of view that the network gets; of each kind the ones that it was surest of, one
a patient. The detector calls any from a probability of ${threshold.toFixed(3)} on. ✓ marks what the label table says.
${absent.length > 0 ? `There is no example of: ${absent.join(", ")}.` : ""}</p>
${some ? evidenceScale(full) : html`<p class="note">This network has no evidence maps.</p>`}
${examples.map((example) => exampleSlice(example, full))}`;
}

function exampleSlice({ kind, sliceId, hu, size, evidence, probabilities, truth }: ExampleSlice, full: number): Markup {
  const inWindow = (name: WindowName): Picture => {
    return { kind: "grey", pixels: applyWindow(hu, windows[name]), rows: size, columns: size };
  };
  const views = shownWindows.map((name) => {
    const { center, width } = windows[name];
    return view(inWindow(name), `${name} ${center}/${width} HU`);
  });
  return html`<section class="example"><h3>${titles[kind]}: <span class="soft">${sliceId}</span></h3>
<div class="views">${views}${evidence === undefined ? "" : evidenceView(inWindow("brain"), evidence, full)}</div>
${chances(probabilities, truth)}</section>`;
}

function evidenceView(under: Picture, evidence: EvidenceMap, full: number): Markup {
  return view(overlayEvidence(under, evidence, full), "evidence for any");
}

function view(picture: Picture, caption: string): Markup {
  return html`<figure><img src="${dataUri(picture)}" width="${picture.columns}" height="${picture.rows}" alt="${caption}">
<figcaption>${caption}</figcaption></figure>`;
}

/** Probabilities of the six labels; those that are true stand out. */
function chances(probabilities: Readonly<Record<Label, number>>, truth: readonly Label[] = []): Markup {
  const entries = labels.map((label) => {
    const mark = truth.includes(label) ? html` class="true"` : html``;
    return html`<li${mark}>${label} ${probabilities[label].toFixed(2)}</li>`;
  });
  return html`<ul class="chances">${entries}</ul>`;
}

function evidenceScale(full: number): Markup {
  const stops = evidenceColours.map((colour) => `rgb(${colour.join(" ")})`).join(", ");
  return html`<div class="scale"><span>evidence for any: 0</span>
<i style="background: linear-gradient(to right, #777, ${stops})"></i><span>${full.toFixed(1)} logits and more</span></div>`;
}
