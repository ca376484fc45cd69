export { archiveMark, entrySeparator, printableName } from "./entry-name.ts";
export { type ByteFile, isArchive, openFile, statFile, withFile } from "./files.ts";
export { type FoundFile, type NotAFile, walkFiles } from "./walk.ts";
