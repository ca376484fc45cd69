/** What compressed pixels say of themselves, read without decoding them: nothing is allocated by it. */
export interface Codestream {
  readonly kind: "jpeg" | "jpeg-ls" | "jpeg 2000" | "high-throughput jpeg 2000";
  /** How JPEG codes: which of its processes, by the frame's marker (ITU-T T.81 table B.1); "" for the others. */
  readonly process: "" | "baseline" | "extended" | "progressive" | "lossless" | "unsupported";
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits of a sample. */
  readonly precision: number;
  readonly sign: "signed" | "unsigned";
  /** Whether the bytes go on to the marker that ends the stream. */
  readonly end: "whole" | "cut off";
}

const endOfImage = 0xd9; // also JPEG 2000's end of codestream
const processes: Readonly<Record<number, Codestream["process"]>> = {
  192: "baseline",
  193: "extended",
  194: "progressive",
  195: "lossless",
};

/** The header of a stream of the JPEG family, `undefined` where the bytes are none or their header is cut off. */
export function readCodestream(bytes: Uint8Array): Codestream | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || bytes[0] !== 0xff) return boxedCodestream(bytes, view);
  if (bytes[1] === 0xd8) return readJpeg(bytes, view);
  return bytes[1] === 0x4f ? readJpeg2000(bytes, view) : undefined;
}

/** ITU-T T.81 B.1, T.87 C: markers with lengths up to the frame header, then entropy-coded data between markers. */
function readJpeg(bytes: Uint8Array, view: DataView): Codestream | undefined {
  let header: Omit<Codestream, "end"> | undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return header && { ...header, end: "cut off" };
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    const length = view.getUint16(at + 2);
    const isFrame = (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
    if (isFrame && at + 10 <= bytes.length) {
      header = {
        kind: marker === 0xf7 ? "jpeg-ls" : "jpeg",
        process: marker === 0xf7 ? "" : (processes[marker] ?? "unsupported"),
        precision: bytes[at + 4]!,
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        components: bytes[at + 9]!,
        sign: "unsigned",
      };
    }
    at += 2 + length;
    if (marker === 0xda) return header && { ...header, end: findEnd(bytes, at) };
  }
  return header && { ...header, end: "cut off" };
}

/**
 * Looks for the marker that ends the image. Behind 0xFF entropy-coded data have a byte below 0x80: JPEG stuffs 0, JPEG-LS
 * a zero bit. Segments between scans are passed by their length, since a table may hold anything.
 */
function findEnd(bytes: Uint8Array, from: number): Codestream["end"] {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at + 1 < bytes.length; ) {
    const next = bytes[at + 1]!;
    if (next === endOfImage) return "whole";
    const restarts = next >= 0xd0 && next <= 0xd7;
    if (next < 0x80 || next === 0xff || restarts) at += next === 0xff ? 1 : 2;
    else if (at + 3 < bytes.length) at += 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    else break;
    at = bytes.indexOf(0xff, at);
  }
  return "cut off";
}

/** ITU-T T.800 A.5.1: the image and tile size marker follows the start; CAP (0xFF50) with Part 15's bit tells HTJ2K. */
function readJpeg2000(bytes: Uint8Array, view: DataView): Codestream | undefined {
  if (bytes.length < 45 || view.getUint16(2) !== 0xff51) return undefined;
  const components = view.getUint16(40);
  const depth = bytes[42]!; // sign in bit 7, bits − 1 below
  const sampling = Math.max(1, bytes[43]!, bytes[44]!); // a subsampled component is refused by its size
  let highThroughput = false;
  let at = 4 + view.getUint16(4);
  while (at + 4 <= bytes.length && view.getUint16(at) !== 0xff90) {
    if (bytes[at] !== 0xff) break;
    // Pcap's bit 15 counted from the most significant stands for Part 15 (T.814 A.3.1)
    if (view.getUint16(at) === 0xff50 && at + 8 <= bytes.length)
      highThroughput = (view.getUint32(at + 4) & 0x20000) !== 0;
    at += 2 + view.getUint16(at + 2);
  }
  return {
    kind: highThroughput ? "high-throughput jpeg 2000" : "jpeg 2000",
    process: "",
    columns: Math.floor((view.getUint32(8) - view.getUint32(16)) / sampling),
    rows: Math.floor((view.getUint32(12) - view.getUint32(20)) / sampling),
    components,
    precision: (depth & 0x7f) + 1,
    sign: depth & 0x80 ? "signed" : "unsigned",
    end: tilesEnd(bytes, view, at),
  };
}

/** Passes the tile-parts by their lengths (T.800 A.4.2); 0 stands for "up to the end". */
function tilesEnd(bytes: Uint8Array, view: DataView, from: number): Codestream["end"] {
  let at = from;
  while (at + 12 <= bytes.length && view.getUint16(at) === 0xff90) {
    const length = view.getUint32(at + 6);
    if (length === 0) return endsWithMarker(bytes) ? "whole" : "cut off";
    if (length < 12 || at + length > bytes.length) return "cut off";
    at += length;
  }
  return at > from && at + 2 <= bytes.length && view.getUint16(at) === 0xff00 + endOfImage ? "whole" : "cut off";
}

/** Whether the last two bytes before the padding of PS3.5 A.4 are the end of a codestream. */
function endsWithMarker(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 2 && bytes[end - 1] === 0) end--;
  return bytes[end - 1] === endOfImage && bytes[end - 2] === 0xff;
}

/** Some writers put the boxes of a JP2 file around the codestream (T.800 I), against PS3.5 A.4.4: it is taken out. */
function boxedCodestream(bytes: Uint8Array, view: DataView): Codestream | undefined {
  const stream = unboxed(bytes, view);
  return stream === undefined ? undefined : readCodestream(stream);
}

/** The codestream within JP2 boxes, `undefined` where there are none. */
function unboxed(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  if (bytes.length < 12 || view.getUint32(4) !== 0x6a502020) return undefined; // "jP  "
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === 0x6a703263) return bytes.subarray(at + 8, length === 0 ? bytes.length : at + length); // "jp2c"
    if (length < 8) return undefined;
    at += length;
  }
  return undefined;
}

/** The codestream itself, without the boxes of a file around it. */
export function bareCodestream(bytes: Uint8Array): Uint8Array {
  return unboxed(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) ?? bytes;
}
