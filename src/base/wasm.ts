/** What Ichor uses of WebAssembly, which Node and browsers have alike and TypeScript knows of browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** A module's memory, which grows by pages of 64 KiB. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

const pageBytes = 65_536;

/** A WebAssembly module at work: plain functions over numbers, and a memory to lay arrays in. */
export interface Kernel<Name extends string> {
  /** Exported functions; what takes or gives an i64 is a bigint in truth and not for here. */
  readonly functions: Readonly<Record<Name, (...numbers: number[]) => number>>;
  /**
   * The module's memory, at least so long. Ask for it before each use and keep no view of it: when it grows, and only
   * then, views of it from before are empty.
   */
  memory(bytes: number): ArrayBuffer;
}

/**
 * Starts a module that `npm run wasm` made of a `.wat` file, e.g. `openKernel(warpWasm, ["warp"])`. It must export its
 * functions under those names and a memory as "memory", and import nothing. Compiling is done at once: a few KB take
 * less than a millisecond.
 */
export function openKernel<Name extends string>(base64: string, names: readonly Name[]): Kernel<Name> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = exports["memory"] as Memory | undefined;
  if (memory === undefined) throw new Error("a kernel exports no memory");
  const functions = {} as Record<Name, (...numbers: number[]) => number>;
  for (const name of names) {
    const found = exports[name];
    if (typeof found !== "function") throw new Error(`a kernel exports no function ${name}`);
    functions[name] = found as (...numbers: number[]) => number;
  }
  return {
    functions,
    memory(wanted) {
      const missing = wanted - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
      return memory.buffer;
    },
  };
}
