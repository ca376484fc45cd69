/** Registries that `ichor list` prints. */
export const registries = ["commands", "models", "metrics", "codecs", "gradients"] as const;

/** One of them. */
export type Registry = (typeof registries)[number];
