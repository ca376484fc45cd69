import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Availability } from "./port.ts";

/** Compiled code of WebAssembly. */
export interface WasmModule {
  readonly kind: "opaque";
}

/** What an instance takes and gives: functions over numbers, by names. */
type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** An instance at work. */
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

/** What is used of WebAssembly, which Node and browsers have alike and TypeScript knows of browsers only. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
};

/** Makes an instance of compiled code at once; throws what the engine says. */
export function instantiate(module: WasmModule, imports: WasmImports): WasmInstance {
  return new WebAssembly.Instance(module, imports);
}

/** Resolves the packages of codecs; CommonJS, as they are. */
export const packages = createRequire(import.meta.url);

/**
 * Above this much memory an instance is thrown away and made anew before the next frame: WebAssembly's memory never
 * shrinks, and decoders leak where they fail. Twice what the largest codec starts with.
 */
const mostHeapBytes = 512 * 2 ** 20;

/** A living instance of a codec. */
export interface Instance {
  heapBytes(): number;
}

/** A codec's code, compiled once a thread, and its one instance, made when it is needed. */
export interface WasmCodec<T extends Instance> {
  load(): Promise<void>;
  availability(): Availability;
  heapBytes(): number;
  /** The instance; only while `availability` is ready. */
  instance(): T;
  /** After a trap or an exception the instance cannot be trusted: the next frame gets a new one. */
  discard(): void;
}

/** Compiles `file` when first loaded; `start` makes an instance of it, synchronously, so that decoding can go on after a trap. */
export function wasmCodec<T extends Instance>(file: string, start: (module: WasmModule) => T): WasmCodec<T> {
  let loading: Promise<void> | undefined;
  let module: WasmModule | undefined;
  let state: Availability = { kind: "not loaded" };
  let current: T | undefined;
  const compile = async () => {
    try {
      module = await WebAssembly.compile(await readFile(packages.resolve(file)));
      current = start(module);
      state = { kind: "ready" };
    } catch (error) {
      state = { kind: "missing", detail: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    load() {
      loading ??= compile();
      return loading;
    },
    availability: () => state,
    heapBytes: () => current?.heapBytes() ?? 0,
    instance() {
      if (module === undefined) throw new Error(`${file} is not loaded`);
      if (current !== undefined && current.heapBytes() > mostHeapBytes) current = undefined;
      current ??= start(module);
      return current;
    },
    discard() {
      current = undefined;
    },
  };
}

/** What a codec threw, in words: text, a trap, or the bare number that stands for an exception of C++. */
export function codecError(error: unknown): string {
  if (typeof error === "number") return "an exception in the codec";
  return error instanceof Error ? error.message : String(error);
}
