/** Bytes that can be read at any place. Synchronous, for worker threads. */
export interface ByteFile {
  readonly sizeBytes: number;
  /** Time of the last change, milliseconds since 1970; of an archive's entry that of the archive. */
  readonly mtimeMs: number;
  /** Reads into the whole of `target` from a place on; answers the bytes read, fewer only where the file ends. */
  read(target: Uint8Array, offset: number): number;
  close(): void;
}
