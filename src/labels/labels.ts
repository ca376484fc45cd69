/** The six labels, always in this order: five types of hemorrhage, then whether there is any. */
export const labels = ["epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any"] as const;

/** One of the six labels. */
export type Label = (typeof labels)[number];

/** Number of labels. */
export const labelCount = labels.length;

/** Position of `any` among the labels. */
export const anyIndex = labels.indexOf("any");

/**
 * Weight of each label in the loss, in the labels' order: `any` counts twice. RSNA 2019 competition metric
 * (the mean over slices of the weighted sum divided by 7).
 */
export const lossWeights: readonly number[] = [1, 1, 1, 1, 1, 2];
