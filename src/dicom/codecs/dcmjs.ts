import { fail, ok, type Result } from "../../base/index.ts";
import type { Codestream } from "./codestream.ts";
import { type Cells, damagedPixels, type PixelCodec, type StoredBytes } from "./port.ts";
import { codecError, type Instance, instantiate, wasmCodec } from "./wasm.ts";

type Decoder = "DecodeJpeg" | "DecodeJpegLs" | "DecodeJpeg2000" | "DecodeHtJpeg2000";

/** The functions of dcmjs-codecs' WebAssembly that a decode needs; numbers are places and flags. */
interface Exports extends Record<Decoder, (context: number, parameters: number) => void> {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  CreateCodecsContext(): number;
  ReleaseCodecsContext(context: number): void;
  CreateDecoderParameters(): number;
  ReleaseDecoderParameters(parameters: number): void;
  SetConvertColorspaceToRgb(parameters: number, convert: number): void;
  SetColumns(context: number, columns: number): void;
  SetRows(context: number, rows: number): void;
  SetBitsAllocated(context: number, bits: number): void;
  SetBitsStored(context: number, bits: number): void;
  SetSamplesPerPixel(context: number, samples: number): void;
  SetPixelRepresentation(context: number, signed: number): void;
  SetPlanarConfiguration(context: number, planar: number): void;
  SetPhotometricInterpretation(context: number, row: number): void;
  SetEncodedBufferSize(context: number, bytes: number): void;
  GetEncodedBuffer(context: number): number;
  GetDecodedBuffer(context: number): number;
  GetDecodedBufferSize(context: number): number;
}

interface Dcmjs extends Instance {
  readonly exports: Exports;
  /** What the codec complained of since the last call. */
  takeComplaint(): string | undefined;
}

/** MONOCHROME2 in the package's list of photometric interpretations. */
const monochrome2 = 1;

/** What libjpeg says when entropy-coded data are cut or garbled; it then goes on with grey and no error. */
const complaints = /corrupt jpeg data|premature end|extraneous bytes|inconsistent progression/i;

/**
 * dcmjs-codecs' WebAssembly without its JavaScript, which would bring a whole DICOM library (175 ms and 15 MB a thread,
 * against 50 ms; measured) and throws away what libjpeg complains of.
 */
const wasm = wasmCodec<Dcmjs>("dcmjs-codecs/build/dcmjs-native-codecs.wasm", (module) => {
  let complaint: string | undefined;
  const text = (at: number, bytes: number) => Buffer.from(exports.memory.buffer, at, bytes).toString("latin1");
  const success = () => 0;
  const setSizes = (count: number, bytes: number) => {
    const view = new DataView(exports.memory.buffer);
    view.setUint32(count, 0, true);
    view.setUint32(bytes, 0, true);
    return 0;
  };
  const instance = instantiate(module, {
    env: {
      onCodecsException(at: number, bytes: number) {
        throw new Error(text(at, bytes));
      },
      onCodecsInfo(at: number, bytes: number) {
        const said = text(at, bytes);
        if (complaints.test(said)) complaint ??= said.split("::").at(-1);
      },
      onCodecsTrace: () => undefined,
      emscripten_notify_memory_growth: () => undefined,
    },
    wasi_snapshot_preview1: {
      proc_exit(code: number) {
        throw new Error(`the codec ended with ${code}`);
      },
      environ_sizes_get: setSizes,
      environ_get: success,
      clock_time_get: success,
      fd_write: success,
      fd_close: success,
      fd_seek: success,
    },
  });
  const exports = instance.exports as unknown as Exports;
  exports._initialize();
  return {
    exports,
    heapBytes: () => exports.memory.buffer.byteLength,
    takeComplaint() {
      const taken = complaint;
      complaint = undefined;
      return taken;
    },
  };
});

const decoders: Readonly<Record<Codestream["kind"], Decoder>> = {
  jpeg: "DecodeJpeg",
  "jpeg-ls": "DecodeJpegLs",
  "jpeg 2000": "DecodeJpeg2000",
  "high-throughput jpeg 2000": "DecodeHtJpeg2000",
};

/**
 * The exact codec: the only one measured that decodes JPEG of 12 bits, every predictor of JPEG lossless and full-range 16
 * bits right. 8 and 16 bits a sample.
 */
export const dcmjs: PixelCodec = {
  name: "dcmjs",
  from: "dcmjs-codecs",
  takes: (stream) => stream !== undefined && stream.precision <= 16 && stream.process !== "unsupported",
  load: wasm.load,
  availability: wasm.availability,
  heapBytes: wasm.heapBytes,
  decode(stored) {
    const instance = wasm.instance();
    instance.takeComplaint();
    try {
      const cells = decodeIn(instance.exports, stored);
      const complaint = instance.takeComplaint();
      return complaint === undefined ? cells : fail(unsound(stored, complaint));
    } catch (error) {
      wasm.discard();
      return fail(unsound(stored, codecError(error)));
    }
  },
};

function decodeIn(codec: Exports, { bytes, layout, stream }: StoredBytes): Result<Cells> {
  if (stream === undefined) throw new Error("a stream without a header was not refused");
  const context = codec.CreateCodecsContext();
  codec.SetColumns(context, layout.columns);
  codec.SetRows(context, layout.rows);
  codec.SetBitsAllocated(context, stream.precision > 8 ? 16 : 8);
  codec.SetBitsStored(context, stream.precision);
  codec.SetSamplesPerPixel(context, 1);
  codec.SetPixelRepresentation(context, stream.sign === "signed" ? 1 : 0);
  codec.SetPlanarConfiguration(context, 0);
  codec.SetPhotometricInterpretation(context, monochrome2);
  codec.SetEncodedBufferSize(context, bytes.length);
  new Uint8Array(codec.memory.buffer).set(bytes, codec.GetEncodedBuffer(context));
  const parameters = codec.CreateDecoderParameters();
  codec.SetConvertColorspaceToRgb(parameters, 0);
  codec[decoders[stream.kind]](context, parameters);
  codec.ReleaseDecoderParameters(parameters);
  const size = codec.GetDecodedBufferSize(context);
  const decoded = new Uint8Array(codec.memory.buffer, codec.GetDecodedBuffer(context), size).slice(); // out of the heap at once
  codec.ReleaseCodecsContext(context);
  if (stream.kind === "high-throughput jpeg 2000") cutToPrecision(decoded, stream);
  return ok({ bytes: decoded, bytesPerCell: stream.precision > 8 ? 2 : 1 });
}

/** Its HTJ2K lets lossy samples overshoot their precision (12 bits: 4097), which other decoders cut; so are they here. */
function cutToPrecision(cells: Uint8Array, { precision, sign }: Codestream): void {
  if (precision <= 8 || precision >= 16) return; // a cell holds no more
  const signed = sign === "signed";
  const values = signed ? new Int16Array(cells.buffer as ArrayBuffer) : new Uint16Array(cells.buffer as ArrayBuffer);
  const low = signed ? -(2 ** (precision - 1)) : 0;
  const high = low + 2 ** precision - 1;
  for (let index = 0; index < values.length; index++) values[index] = Math.min(high, Math.max(low, values[index]!));
}

function unsound({ layout }: StoredBytes, got: string) {
  return damagedPixels(layout.where, { got: `"${got}" (dcmjs-codecs)`, expected: "a sound stream (PS3.5 A.4)" });
}
