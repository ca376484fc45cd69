export type { ByteFile } from "./byte-file.ts";
export { type FileStart, openAheadReader } from "./direct.ts";
export { archiveMark, entrySeparator, printableName } from "./entry-name.ts";
export { isArchive, openFile, statFile, withFile } from "./files.ts";
export { type Heads, readHeads, withHeads, withStarts } from "./heads.ts";
export { type FoundFile, type NotAFile, walkFiles } from "./walk.ts";
