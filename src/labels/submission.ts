import { csvField } from "../base/index.ts";
import { type Label, labelCount, labels } from "./labels.ts";

/** First line of the competition's label table and submission. */
export const submissionHeader = "ID,Label\n";

/**
 * The six lines of a slice in a submission, `ID_x_epidural,0.0123` and so on in the order of the labels.
 * `probabilities`: [6], each in [0, 1]; nine significant digits, so that a float32 survives the way through text.
 */
export function submissionLines(sliceId: string, probabilities: ArrayLike<number>): string {
  if (probabilities.length !== labelCount) throw new Error(`${probabilities.length} probabilities for six labels`);
  return labels
    .map((label, index) => {
      const probability = probabilities[index]!;
      if (!(probability >= 0 && probability <= 1)) throw new Error(`the probability of ${label} is ${probability}`);
      return `${csvField(`${sliceId}_${label}`)},${Number(probability.toPrecision(9))}\n`;
    })
    .join("");
}

/** The parts of a label table's ID such as `ID_0002081b6_epidural`; `undefined` where it does not end in a label. */
export function parseLabelId(id: string): { readonly sliceId: string; readonly label: Label } | undefined {
  const at = id.lastIndexOf("_");
  const label = labels.find((name) => name === id.slice(at + 1));
  return at < 1 || label === undefined ? undefined : { sliceId: id.slice(0, at), label };
}
