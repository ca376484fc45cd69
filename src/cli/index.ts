export { buildApp, reference, version } from "./app.ts";
export { type CommandRow, command, type Declaration } from "./command.ts";
export type { CommonFlags, Context } from "./context.ts";
export { commands } from "./declarations.ts";
export { show } from "./output.ts";
export { runLine, start } from "./start.ts";
