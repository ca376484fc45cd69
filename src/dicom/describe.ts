import type { DataSet, Element } from "./data-set.ts";
import { formatTag, standardElement } from "./dictionary.ts";
import { items } from "./sequences.ts";
import { bytesOf, numbers, text } from "./values.ts";

/** One element for people, or the head of an item of a sequence. */
export interface DescribedElement {
  /** 0 in the data set, one more in each item. */
  readonly depth: number;
  /** "(0028,1053)", or "item 2". */
  readonly tag: string;
  readonly vr: string;
  /** Of the standard; "private" with its creator, or "unknown". */
  readonly keyword: string;
  /** Text with its backslashes, numbers with commas, or how many bytes or items there are. */
  readonly value: string;
}

/** More items of one sequence than a person reads: the rest is counted. */
const shownItems = 8;

const textVrs = new Set("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split(" "));
const numberVrs = new Set("US SS UL SL FL FD AT UV SV".split(" "));

/** All elements of a data set up to its pixel data, in the order of their tags, items below their sequence. */
export function* describeElements(dataSet: DataSet, depth = 0): Generator<DescribedElement, void, void> {
  const elements = [...dataSet.elements.values()].sort((one, other) => one.tag - other.tag);
  for (const element of elements) {
    const { tag, vr } = element;
    const found = vr === "SQ" || vr === "UN" ? items(dataSet, tag) : [];
    const keyword = keywordOf(dataSet, tag);
    const value = found.length > 0 || vr === "SQ" ? `${found.length} items` : valueText(dataSet, element);
    yield { depth, tag: formatTag(tag), vr, keyword, value };
    for (const [index, item] of found.slice(0, shownItems).entries()) {
      yield { depth: depth + 1, tag: `item ${index + 1}`, vr: "", keyword: "", value: "" };
      yield* describeElements(item, depth + 1);
    }
    if (found.length > shownItems) {
      yield { depth: depth + 1, tag: `… ${found.length - shownItems} more items`, vr: "", keyword: "", value: "" };
    }
  }
}

/** PS3.5 7.8.1: the creator of private element (gggg,bbee) stands in (gggg,00bb). */
function keywordOf(dataSet: DataSet, tag: number): string {
  const known = standardElement(tag)?.keyword;
  if (known !== undefined && known !== "") return known;
  if (((tag >>> 16) & 1) === 0) return "unknown";
  const block = (tag >>> 8) & 0xff;
  if (block === 0) return "private creator";
  const creator = text(dataSet, ((tag & 0xffff0000) | block) >>> 0);
  return creator === undefined ? "private" : `private: ${creator}`;
}

function valueText(dataSet: DataSet, element: Element): string {
  const { tag, vr, length } = element;
  if (length === 0) return "";
  if (textVrs.has(vr)) return text(dataSet, tag) ?? "";
  const few = numberVrs.has(vr) && length <= 256 ? numbers(dataSet, tag) : undefined;
  if (few !== undefined) return few.map((number) => (vr === "AT" ? formatTag(number) : String(number))).join(", ");
  if (vr === "UN" && length <= 256) return printable(bytesOf(dataSet, tag)) ?? `${length} bytes`;
  return `${length} bytes`;
}

/** Bytes as text where all of them are letters, digits and signs of ASCII. */
function printable(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 0))) return undefined;
  return new TextDecoder("latin1").decode(bytes).replace(/[\0 ]+$/, "");
}
