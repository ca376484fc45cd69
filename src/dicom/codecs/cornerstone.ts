import { fail, ok } from "../../base/index.ts";
import type { Codestream } from "./codestream.ts";
import { damagedPixels, type PixelCodec } from "./port.ts";
import {
  codecError,
  type Instance,
  instantiate,
  packages,
  type WasmInstance,
  type WasmModule,
  wasmCodec,
} from "./wasm.ts";

/** A decoder object of the Cornerstone codecs; its arrays are live views of the heap. */
interface Decoder {
  getEncodedBuffer(bytes: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  readHeader?(): void;
  getFrameInfo(): { readonly width: number; readonly height: number; readonly bitsPerSample?: number };
}

interface Emscripten {
  readonly HEAPU8?: Uint8Array;
  readonly [decoderClass: string]: unknown;
}

interface Loaded extends Instance {
  readonly decoder: Decoder;
}

interface Package {
  readonly name: string;
  readonly from: string;
  /** Of the package: glue and WebAssembly, by its exports. */
  readonly glue: string;
  readonly wasm: string;
  readonly decoderClass: string;
  takes(stream: Codestream): boolean;
}

/** One decoder object, used for every frame: objects that are not deleted grow the heap without end. */
function cornerstone({ name, from, glue, wasm: file, decoderClass, takes }: Package): PixelCodec {
  const wasm = wasmCodec<Loaded>(`${from}/${file}`, (module) =>
    start(packages(`${from}/${glue}`), { module, decoderClass }),
  );
  return {
    name,
    from,
    takes: (stream) => stream !== undefined && takes(stream),
    load: wasm.load,
    availability: wasm.availability,
    heapBytes: wasm.heapBytes,
    decode({ bytes, layout, stream }) {
      const unsound = (got: string) =>
        fail(damagedPixels(layout.where, { got: `${got} (${from})`, expected: "a sound stream (PS3.5 A.4)" }));
      const bytesPerCell = (stream?.precision ?? 0) > 8 ? 2 : 1;
      const expected = layout.rows * layout.columns * bytesPerCell;
      try {
        const { decoder } = wasm.instance();
        decoder.getEncodedBuffer(bytes.length).set(bytes);
        decoder.decode();
        const decoded = decoder.getDecodedBuffer().slice(); // a live view: the next frame would overwrite it
        if (decoded.length === expected) return ok({ bytes: decoded, bytesPerCell });
        wasm.discard();
        return unsound(`${decoded.length} decoded bytes in place of ${expected}`);
      } catch (error) {
        wasm.discard();
        return unsound(`"${codecError(error)}"`);
      }
    },
  };
}

/**
 * Makes an instance without waiting: the glue takes a hook that instantiates, and where the hook answers at once
 * everything is ready when the factory returns, whatever its promise says later.
 */
function start(
  factory: unknown,
  { module, decoderClass }: { readonly module: WasmModule; readonly decoderClass: string },
): Loaded {
  const own = {
    print: () => undefined,
    printErr: () => undefined,
    instantiateWasm(imports: Parameters<typeof instantiate>[1], done: (instance: WasmInstance) => void) {
      const instance = instantiate(module, imports);
      done(instance);
      return instance.exports;
    },
  };
  (factory as (own: object) => Promise<unknown>)(own).catch(() => undefined); // a failure shows below
  const emscripten = own as unknown as Emscripten;
  const Class = emscripten[decoderClass] as (new () => Decoder) | undefined;
  if (Class === undefined) throw new Error(`${decoderClass} did not start`);
  return { decoder: new Class(), heapBytes: () => emscripten.HEAPU8?.buffer.byteLength ?? 0 };
}

/**
 * HTJ2K, measured 1.0 to 1.3 times as fast as the exact codec. Plain JPEG 2000 is not its own: it would answer an empty array.
 */
export const openjph = cornerstone({
  name: "openjph",
  from: "@cornerstonejs/codec-openjph",
  glue: "wasmjs",
  wasm: "wasm",
  decoderClass: "HTJ2KDecoder",
  takes: ({ kind, precision }) => kind === "high-throughput jpeg 2000" && precision <= 16,
});

/** JPEG-LS, measured 1.8 times as fast as the exact codec. */
export const charls = cornerstone({
  name: "charls",
  from: "@cornerstonejs/codec-charls",
  glue: "decodewasmjs",
  wasm: "decodewasm",
  decoderClass: "JpegLSDecoder",
  takes: ({ kind, precision }) => kind === "jpeg-ls" && precision <= 16,
});

/** Lossy JPEG of 8 bits, measured as fast as the exact codec; it refuses 12 bits and lossless, which that decodes. */
export const libjpegTurbo = cornerstone({
  name: "libjpeg-turbo",
  from: "@cornerstonejs/codec-libjpeg-turbo-8bit",
  glue: "decodewasmjs",
  wasm: "decodewasm",
  decoderClass: "JPEGDecoder",
  takes: ({ kind, process, precision }) =>
    kind === "jpeg" && precision === 8 && process !== "lossless" && process !== "unsupported",
});
