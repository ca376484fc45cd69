import { posix } from "node:path";

/** Between an archive's path and the name of an entry in it; its mark alone behind an archive makes it a folder's path. */
export const entrySeparator = "!/";
export const archiveMark = "!";

/**
 * An entry's name as it stands in paths and in the ledger: a way down from the archive and nothing else ("/a", "./a"
 * and "../a" are "a"), and printable. Nothing is ever written to such a path; the one form makes it findable again after
 * `path.resolve`. Empty for what names nothing.
 */
export function entryName(written: string): string {
  const down = posix
    .normalize(`/${written.replaceAll("\\", "/")}`)
    .slice(1)
    .replace(/\/$/, "");
  return printableName(down);
}

/** A name that a file gives, what cannot be printed in it or turns text around written as %XX. */
export function printableName(name: string): string {
  return name.replace(unprintable, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

/** Controls, separators of lines, marks of direction, halves of pairs. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** A name as bytes: UTF-8 where they are that, else code page 437, which PKWARE's APPNOTE D.1 names for zip. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : codePage437[byte - 0x80]!)).join("");
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const codePage437 = [
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
  "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
].join("");
