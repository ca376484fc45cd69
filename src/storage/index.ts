export { entrySeparator } from "./entry-name.ts";
export { type ByteFile, openFile, statFile, withFile } from "./files.ts";
export { type FoundFile, type NotAFile, walkFiles } from "./walk.ts";
