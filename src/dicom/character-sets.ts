/** How the bytes of one character set become text. Sets of two bytes a character stand for 94 × 94 cells. */
interface CharacterSet {
  /** Of TextDecoder; `latin1` is ISO 8859-1 to the letter (TextDecoder means windows-1252 by it). */
  readonly decoder: string;
  readonly bytes: 1 | 2;
  /** What the decoder wants before each character. */
  readonly prefix?: number;
}

const ascii: CharacterSet = { decoder: "latin1", bytes: 1 };

/** Sets by their ISO-IR number, which the defined terms `ISO_IR n` and `ISO 2022 IR n` end with. PS3.3 C.12.1.1.2. */
const sets: Readonly<Record<string, CharacterSet>> = {
  6: ascii,
  100: ascii, // Latin 1
  101: { decoder: "iso-8859-2", bytes: 1 },
  109: { decoder: "iso-8859-3", bytes: 1 },
  110: { decoder: "iso-8859-4", bytes: 1 },
  144: { decoder: "iso-8859-5", bytes: 1 }, // Cyrillic
  127: { decoder: "iso-8859-6", bytes: 1 }, // Arabic
  126: { decoder: "iso-8859-7", bytes: 1 }, // Greek
  138: { decoder: "iso-8859-8", bytes: 1 }, // Hebrew
  148: { decoder: "windows-1254", bytes: 1 }, // Latin 5, Turkish
  203: { decoder: "iso-8859-15", bytes: 1 }, // Latin 9
  166: { decoder: "windows-874", bytes: 1 }, // Thai
  13: { decoder: "shift_jis", bytes: 1 }, // katakana of one byte
  14: ascii, // JIS X 0201 romaji, read as ASCII: its yen sign is the delimiter of values
  87: { decoder: "euc-jp", bytes: 2 }, // JIS X 0208
  159: { decoder: "euc-jp", bytes: 2, prefix: 0x8f }, // JIS X 0212
  149: { decoder: "euc-kr", bytes: 2 }, // KS X 1001
  58: { decoder: "gbk", bytes: 2 }, // GB 2312
};

/** Sets that hold every character and know no escape sequences. */
const wholeSets: Readonly<Record<string, string>> = { "192": "utf-8", GB18030: "gb18030", GBK: "gbk" };

/** Escape sequences behind ESC (PS3.3 tables C.12-3 and C.12-4): which set, for bytes below 128 (G0) or above (G1). */
const escapes: Readonly<Record<string, { readonly area: "G0" | "G1"; readonly set: CharacterSet | undefined }>> = {
  "(B": { area: "G0", set: sets["6"] },
  "(J": { area: "G0", set: sets["14"] },
  $B: { area: "G0", set: sets["87"] },
  "$(D": { area: "G0", set: sets["159"] },
  ")I": { area: "G1", set: sets["13"] },
  "-A": { area: "G1", set: sets["100"] },
  "-B": { area: "G1", set: sets["101"] },
  "-C": { area: "G1", set: sets["109"] },
  "-D": { area: "G1", set: sets["110"] },
  "-L": { area: "G1", set: sets["144"] },
  "-G": { area: "G1", set: sets["127"] },
  "-F": { area: "G1", set: sets["126"] },
  "-H": { area: "G1", set: sets["138"] },
  "-M": { area: "G1", set: sets["148"] },
  "-b": { area: "G1", set: sets["203"] },
  "-T": { area: "G1", set: sets["166"] },
  "$)C": { area: "G1", set: sets["149"] },
  "$)A": { area: "G1", set: sets["58"] },
};

const escapeByte = 0x1b;

/**
 * Text from bytes, by the values of SpecificCharacterSet (PS3.3 C.12.1.1.2, PS3.5 6.1.2): single bytes, code extensions
 * by ISO 2022 escape sequences, UTF-8, GB18030 and GBK. `delimiters` are the bytes that set the first character set again
 * (PS3.5 6.1.2.5.3). Never refuses: an unknown set is read as Latin 1, a byte without a character becomes U+FFFD, and an
 * escape sequence that is not declared, or of no set, is obeyed or left as it stands.
 */
export function decodeText(bytes: Uint8Array, terms: readonly string[], delimiters: readonly number[]): string {
  const first = setNumber(terms[0] ?? "");
  const whole = wholeSets[first];
  if (whole !== undefined) return decoder(whole).decode(bytes);
  const initial = sets[first] ?? ascii;
  if (!bytes.includes(escapeByte) && initial.bytes === 1) return decodeRun(bytes, initial);
  return decodeExtended(bytes, initial, delimiters);
}

/** "ISO 2022 IR 100", "ISO_IR 100" and misspellings as "ISO-IR 100" or "iso_ir100" → "100"; other terms as they are. */
function setNumber(term: string): string {
  const upper = term.trim().toUpperCase();
  return /^ISO[ _-]?(?:2022[ _-]?)?IR[ _-]?(\d+)$/.exec(upper)?.[1] ?? (/^UTF[ _-]?8$/.test(upper) ? "192" : upper);
}

/** Text with escape sequences: runs of bytes of one set, each decoded on its own. */
function decodeExtended(bytes: Uint8Array, initial: CharacterSet, delimiters: readonly number[]): string {
  let [low, high] = [ascii, initial];
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    const change = byte === escapeByte ? changeAt(bytes, at + 1) : undefined;
    if (change !== undefined) {
      if (change.area === "G0") low = change.set;
      else high = change.set;
      at += 1 + change.length;
      continue;
    }
    const isControl = byte < 0x21;
    const set = byte > 0x7f ? high : isControl ? ascii : low;
    let end = at + 1;
    if (isControl) [low, high] = byte === escapeByte || byte === 0x20 ? [low, high] : [ascii, initial];
    else if (set.bytes === 1 && delimiters.includes(byte)) [low, high] = [ascii, initial];
    else while (end < bytes.length && continues(bytes[end]!, byte, set.bytes === 1 ? delimiters : [])) end++;
    text += decodeRun(bytes.subarray(at, end), set);
    at = end;
  }
  return text;
}

/** Whether a byte belongs to the run that began with another: no control, no delimiter, in the same half of the table. */
function continues(byte: number, first: number, delimiters: readonly number[]): boolean {
  return byte >= 0x21 && byte > 0x7f === first > 0x7f && !delimiters.includes(byte);
}

function changeAt(bytes: Uint8Array, at: number) {
  for (const length of [2, 3]) {
    const found = escapes[String.fromCharCode(...bytes.subarray(at, at + length))];
    if (found?.set !== undefined) return { area: found.area, set: found.set, length };
  }
  return undefined;
}

function decodeRun(bytes: Uint8Array, { decoder: label, bytes: width, prefix }: CharacterSet): string {
  if (label === "latin1") return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  if (width === 1) return decoder(label).decode(bytes);
  const high = bytes.map((byte) => byte | 0x80); // 山 is 3B 33 in JIS X 0208, BB B3 in the decoder's EUC
  if (prefix === undefined) return decoder(label).decode(high);
  const prefixed: number[] = [];
  for (let at = 0; at < high.length; at += 2) prefixed.push(prefix, ...high.subarray(at, at + 2));
  return decoder(label).decode(Uint8Array.from(prefixed));
}

type Decoder = InstanceType<typeof TextDecoder>;

const decoders = new Map<string, Decoder>();

/** A decoder by its label; making one costs more than most texts. Latin 1 where this Node was built without the set. */
function decoder(label: string): Decoder {
  let made = decoders.get(label);
  if (made === undefined) {
    try {
      made = new TextDecoder(label, { ignoreBOM: true });
    } catch {
      made = new TextDecoder("latin1");
    }
    decoders.set(label, made);
  }
  return made;
}
