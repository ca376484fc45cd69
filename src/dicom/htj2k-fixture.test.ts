import { createRequire } from "node:module";
import { random } from "../base/index.ts";
import type { WritableElements } from "./write.ts";
import { ctImageStorage } from "./write.ts";

// No Debian package encodes HTJ2K into DICOM, so that these files are made by the encoders of two npm packages: OpenJPH in
// two builds. Each has to be read by both decoders.

const packages = createRequire(import.meta.url);

/** A picture to encode: values of so many bits, in cells of 8 or 16. */
export interface Picture {
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  readonly sign: "signed" | "unsigned";
  readonly values: Int32Array;
}

/** How to encode it. */
export interface HighThroughput {
  readonly lossy: "lossless" | "lossy";
  /** RPCL is what .202 asks for. */
  readonly order: "LRCP" | "RPCL";
}

/** Waves with noise that reach both ends of the range. */
export function makePicture(bits: number, sign: "signed" | "unsigned"): Picture {
  const [rows, columns] = [33, 41];
  const low = sign === "signed" ? -(2 ** (bits - 1)) : 0;
  const source = random(bits, sign);
  const values = Int32Array.from({ length: rows * columns }, (_, index) => {
    const wave = (Math.sin((index % columns) / 5) * Math.cos(index / columns / 7) + 1) / 2;
    const value = Math.round(low + wave * (2 ** bits - 1) + source.uniform() * 8 - 4);
    return Math.min(low + 2 ** bits - 1, Math.max(low, value));
  });
  values.set([low, low + 2 ** bits - 1]);
  return { rows, columns, bits, sign, values };
}

/** The elements of a file that holds the picture. */
export function elementsOf({ rows, columns, bits, sign }: Picture): WritableElements {
  return {
    SOPClassUID: ctImageStorage,
    SOPInstanceUID: "2.25.1",
    Modality: "CT",
    SamplesPerPixel: 1,
    Rows: rows,
    Columns: columns,
    BitsAllocated: bits > 8 ? 16 : 8,
    BitsStored: bits,
    HighBit: bits - 1,
    PixelRepresentation: sign === "signed" ? 1 : 0,
  };
}

const cellsOf = ({ bits, values }: Picture) =>
  bits > 8 ? new Uint8Array(Int16Array.from(values).buffer) : Uint8Array.from(values);

interface Encoder {
  getDecodedBuffer(info: object): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  setQuality(reversible: boolean, quantisation: number): void;
  setProgressionOrder(order: number): void;
  encode(): void;
  delete(): void;
}

/** By @cornerstonejs/codec-openjph. */
export async function byOpenjph(picture: Picture, { lossy, order }: HighThroughput): Promise<Uint8Array> {
  const start = packages("@cornerstonejs/codec-openjph/wasmjs") as () => Promise<{ HTJ2KEncoder: new () => Encoder }>;
  const { HTJ2KEncoder } = await start();
  const encoder = new HTJ2KEncoder();
  const { rows, columns, bits, sign } = picture;
  const info = { width: columns, height: rows, bitsPerSample: bits, componentCount: 1, isSigned: sign === "signed" };
  encoder.getDecodedBuffer({ ...info, isUsingColorTransform: false }).set(cellsOf(picture));
  encoder.setQuality(lossy === "lossless", 0.002);
  encoder.setProgressionOrder(order === "RPCL" ? 2 : 0);
  encoder.encode();
  return encoder.getEncodedBuffer().slice();
}

interface DcmjsCodecs {
  readonly Context: new (attributes: object) => { getEncodedBuffer(): Uint8Array };
  readonly NativeCodecs: {
    initializeAsync(): Promise<void>;
    encodeHtJpeg2000(context: object, parameters: object): { getEncodedBuffer(): Uint8Array };
  };
}

/** By dcmjs-codecs. */
export async function byDcmjs(picture: Picture, { lossy, order }: HighThroughput): Promise<Uint8Array> {
  const { Context, NativeCodecs } = packages("dcmjs-codecs") as DcmjsCodecs;
  await NativeCodecs.initializeAsync();
  const { rows, columns, bits, sign } = picture;
  const context = new Context({
    width: columns,
    height: rows,
    bitsAllocated: bits > 8 ? 16 : 8,
    bitsStored: bits,
    samplesPerPixel: 1,
    pixelRepresentation: sign === "signed" ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: "MONOCHROME2",
    decodedBuffer: cellsOf(picture),
  });
  const parameters = { lossy: lossy === "lossy", progressionOrder: order === "RPCL" ? 2 : 0 };
  return NativeCodecs.encodeHtJpeg2000(context, parameters).getEncodedBuffer();
}
