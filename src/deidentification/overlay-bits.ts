import { type DataSet, numbers, pixelLayout } from "../dicom/index.ts";

/** What is to be done about overlays that stand in bits of the pixel cells (retired, PS3.5 8.1.2 of 2004). */
export type OverlayBits =
  | { readonly kind: "none" }
  | { readonly kind: "clear"; readonly pixels: (piece: Uint8Array) => void }
  | { readonly kind: "refused"; readonly why: string };

/**
 * Overlays are drawings and words, names among them. Where one stands in the bits of the pixels beside BitsStored, these
 * bits are to be cleared: the sign's copies go as well, which no reader of a DICOM file looks at. It cannot be done to
 * compressed pixels.
 */
export function overlayBits(header: DataSet): OverlayBits {
  const embedded = [...header.elements.keys()].find(
    (tag) => tag >>> 24 === 0x60 && (tag & 0xffff) === 0x0102 && (numbers(header, tag)?.[0] ?? 0) > 0,
  );
  if (embedded === undefined || header.pixelData === undefined) return { kind: "none" };
  const layout = pixelLayout(header.where, header);
  if (layout.kind === "problem") return { kind: "refused", why: "an overlay in pixels of a layout that is not known" };
  const { bitsAllocated, bitsStored, highBit } = layout.value;
  if (header.pixelData.length === "encapsulated") return { kind: "refused", why: "an overlay in compressed pixels" };
  const mask = ((2 ** bitsStored - 1) * 2 ** (highBit + 1 - bitsStored)) >>> 0;
  const bytes = Array.from({ length: bitsAllocated / 8 }, (_, index) => (mask >>> (8 * index)) & 0xff);
  if (header.byteOrder === "big") bytes.reverse();
  return {
    kind: "clear",
    pixels(piece) {
      for (let at = 0; at < piece.length; at++) piece[at]! &= bytes[at % bytes.length]!;
    },
  };
}
