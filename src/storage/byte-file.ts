/** Bytes that can be read at any place. Synchronous, for worker threads. */
export interface ByteFile {
  readonly sizeBytes: number;
  /** Time of the last change, milliseconds since 1970; of an archive's entry that of the archive. */
  readonly mtimeMs: number;
  /** The first bytes, all of them where the file is no longer, where they are in memory already; lent while it is open. */
  readonly start?: Uint8Array | undefined;
  /** Reads into the whole of `target` from a place on; answers the bytes read, fewer only where the file ends. */
  read(target: Uint8Array, offset: number): number;
  close(): void;
}
