import { told, uidForm } from "./told.ts";

/** How the elements of a data set are laid out: with or without their VR, byte order, deflated or not. */
export type DataSetEncoding = "implicit little" | "explicit little" | "explicit big" | "deflated";

/** A transfer syntax: its name in PS3.6 A, and how its elements lie (PS3.5 A). Compressed pixels lie in explicit little. */
export interface TransferSyntax {
  readonly name: string;
  readonly encoding: DataSetEncoding;
}

const explicit = (name: string): TransferSyntax => ({ name, encoding: "explicit little" });

/** Implicit VR Little Endian, the default of DICOM. */
export const implicitLittleEndian = "1.2.840.10008.1.2";
/** Explicit VR Little Endian, the syntax that Ichor writes. */
export const explicitLittleEndian = "1.2.840.10008.1.2.1";

/** Explicit VR Big Endian, retired in 2006. */
export const explicitBigEndian = "1.2.840.10008.1.2.2";

/** Every transfer syntax that the standard names, so that a file that cannot be read is refused by name. PS3.6 table A-1. */
export const transferSyntaxes: Readonly<Record<string, TransferSyntax>> = {
  [implicitLittleEndian]: { name: "Implicit VR Little Endian", encoding: "implicit little" },
  [explicitLittleEndian]: explicit("Explicit VR Little Endian"),
  "1.2.840.10008.1.2.1.98": explicit("Encapsulated Uncompressed Explicit VR Little Endian"),
  "1.2.840.10008.1.2.1.99": { name: "Deflated Explicit VR Little Endian", encoding: "deflated" },
  [explicitBigEndian]: { name: "Explicit VR Big Endian", encoding: "explicit big" },
  "1.2.840.10008.1.2.4.50": explicit("JPEG Baseline (Process 1)"),
  "1.2.840.10008.1.2.4.51": explicit("JPEG Extended (Process 2 and 4)"),
  "1.2.840.10008.1.2.4.52": explicit("JPEG Extended (Process 3 and 5)"),
  "1.2.840.10008.1.2.4.53": explicit("JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)"),
  "1.2.840.10008.1.2.4.54": explicit("JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)"),
  "1.2.840.10008.1.2.4.55": explicit("JPEG Full Progression, Non-Hierarchical (Process 10 and 12)"),
  "1.2.840.10008.1.2.4.56": explicit("JPEG Full Progression, Non-Hierarchical (Process 11 and 13)"),
  "1.2.840.10008.1.2.4.57": explicit("JPEG Lossless, Non-Hierarchical (Process 14)"),
  "1.2.840.10008.1.2.4.58": explicit("JPEG Lossless, Non-Hierarchical (Process 15)"),
  "1.2.840.10008.1.2.4.59": explicit("JPEG Extended, Hierarchical (Process 16 and 18)"),
  "1.2.840.10008.1.2.4.60": explicit("JPEG Extended, Hierarchical (Process 17 and 19)"),
  "1.2.840.10008.1.2.4.61": explicit("JPEG Spectral Selection, Hierarchical (Process 20 and 22)"),
  "1.2.840.10008.1.2.4.62": explicit("JPEG Spectral Selection, Hierarchical (Process 21 and 23)"),
  "1.2.840.10008.1.2.4.63": explicit("JPEG Full Progression, Hierarchical (Process 24 and 26)"),
  "1.2.840.10008.1.2.4.64": explicit("JPEG Full Progression, Hierarchical (Process 25 and 27)"),
  "1.2.840.10008.1.2.4.65": explicit("JPEG Lossless, Hierarchical (Process 28)"),
  "1.2.840.10008.1.2.4.66": explicit("JPEG Lossless, Hierarchical (Process 29)"),
  "1.2.840.10008.1.2.4.70": explicit("JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 SV 1)"),
  "1.2.840.10008.1.2.4.80": explicit("JPEG-LS Lossless"),
  "1.2.840.10008.1.2.4.81": explicit("JPEG-LS Lossy (Near-Lossless)"),
  "1.2.840.10008.1.2.4.90": explicit("JPEG 2000 (Lossless Only)"),
  "1.2.840.10008.1.2.4.91": explicit("JPEG 2000"),
  "1.2.840.10008.1.2.4.92": explicit("JPEG 2000 Part 2 Multi-component (Lossless Only)"),
  "1.2.840.10008.1.2.4.93": explicit("JPEG 2000 Part 2 Multi-component"),
  "1.2.840.10008.1.2.4.94": explicit("JPIP Referenced"),
  "1.2.840.10008.1.2.4.95": { name: "JPIP Referenced Deflate", encoding: "deflated" },
  "1.2.840.10008.1.2.4.100": explicit("MPEG2 Main Profile / Main Level"),
  "1.2.840.10008.1.2.4.100.1": explicit("Fragmentable MPEG2 Main Profile / Main Level"),
  "1.2.840.10008.1.2.4.101": explicit("MPEG2 Main Profile / High Level"),
  "1.2.840.10008.1.2.4.101.1": explicit("Fragmentable MPEG2 Main Profile / High Level"),
  "1.2.840.10008.1.2.4.102": explicit("MPEG-4 AVC/H.264 High Profile / Level 4.1"),
  "1.2.840.10008.1.2.4.102.1": explicit("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
  "1.2.840.10008.1.2.4.103": explicit("MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
  "1.2.840.10008.1.2.4.103.1": explicit("Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
  "1.2.840.10008.1.2.4.104": explicit("MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
  "1.2.840.10008.1.2.4.104.1": explicit("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
  "1.2.840.10008.1.2.4.105": explicit("MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
  "1.2.840.10008.1.2.4.105.1": explicit("Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
  "1.2.840.10008.1.2.4.106": explicit("MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
  "1.2.840.10008.1.2.4.106.1": explicit("Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
  "1.2.840.10008.1.2.4.107": explicit("HEVC/H.265 Main Profile / Level 5.1"),
  "1.2.840.10008.1.2.4.108": explicit("HEVC/H.265 Main 10 Profile / Level 5.1"),
  "1.2.840.10008.1.2.4.110": explicit("JPEG XL Lossless"),
  "1.2.840.10008.1.2.4.111": explicit("JPEG XL JPEG Recompression"),
  "1.2.840.10008.1.2.4.112": explicit("JPEG XL"),
  "1.2.840.10008.1.2.4.201": explicit("High-Throughput JPEG 2000 (Lossless Only)"),
  "1.2.840.10008.1.2.4.202": explicit("High-Throughput JPEG 2000 with RPCL Options (Lossless Only)"),
  "1.2.840.10008.1.2.4.203": explicit("High-Throughput JPEG 2000"),
  "1.2.840.10008.1.2.4.204": explicit("JPIP HTJ2K Referenced"),
  "1.2.840.10008.1.2.4.205": { name: "JPIP HTJ2K Referenced Deflate", encoding: "deflated" },
  "1.2.840.10008.1.2.5": explicit("RLE Lossless"),
  "1.2.840.10008.1.2.6.1": explicit("RFC 2557 MIME Encapsulation"),
  "1.2.840.10008.1.2.6.2": explicit("XML Encoding"),
  "1.2.840.10008.1.2.7.1": explicit("SMPTE ST 2110-20 Uncompressed Progressive Active Video"),
  "1.2.840.10008.1.2.7.2": explicit("SMPTE ST 2110-20 Uncompressed Interlaced Active Video"),
  "1.2.840.10008.1.2.7.3": explicit("SMPTE ST 2110-30 PCM Digital Audio"),
  "1.2.840.10008.1.2.8.1": explicit("Deflated Image Frame Compression"),
};

/** A transfer syntax for people: its name and UID, or "unknown" and the UID, where it has the form of one. */
export function nameTransferSyntax(uid: string): string {
  return `${transferSyntaxes[uid]?.name ?? "unknown transfer syntax"} (${told(uid, uidForm)})`;
}

/** Whether a UID is one of the syntaxes of which the bytes of a file alone tell which it is: neither deflated nor compressed. */
export function isNative(uid: string): boolean {
  return uid === explicitLittleEndian || uid === implicitLittleEndian || uid === explicitBigEndian;
}
