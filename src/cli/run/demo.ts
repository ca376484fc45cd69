import type { CommonFlags, Context } from "../context.ts";

/** Flags of `ichor demo`. */
export interface DemoFlags extends CommonFlags {
  readonly out: string;
}

/** `ichor demo`. */
export async function runDemo(this: Context, _flags: DemoFlags): Promise<void> {}
