export { app, reference, version } from "./app.ts";
export { commands, threadsPlaceholder } from "./declarations.ts";
