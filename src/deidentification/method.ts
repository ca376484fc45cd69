import type { WritableElement } from "../dicom/index.ts";
import type { ProfileOptions } from "./profile.ts";

/** What was done, for the file to say of itself. */
export interface Method extends ProfileOptions {
  readonly privates: "removed" | "some kept";
}

/** A code of PS3.16 CID 7050, all of the scheme DCM. */
interface Code {
  readonly value: string;
  readonly meaning: string;
}

const basicCode: Code = { value: "113100", meaning: "Basic Application Confidentiality Profile" };

/** The codes of a method, in the order of CID 7050. */
export function methodCodes({ uids, dates, descriptors, privates }: Method): readonly Code[] {
  return [
    basicCode,
    ...(descriptors === "cleaned" ? [{ value: "113105", meaning: "Clean Descriptors Option" }] : []),
    ...(dates === "kept"
      ? [{ value: "113106", meaning: "Retain Longitudinal Temporal Information Full Dates Option" }]
      : []),
    ...(dates === "moved"
      ? [{ value: "113107", meaning: "Retain Longitudinal Temporal Information Modified Dates Option" }]
      : []),
    ...(uids === "kept" ? [{ value: "113110", meaning: "Retain UIDs Option" }] : []),
    ...(privates === "some kept" ? [{ value: "113111", meaning: "Retain Safe Private Option" }] : []),
  ];
}

const longitudinal = { removed: "REMOVED", moved: "MODIFIED", kept: "UNMODIFIED" } as const;

/**
 * The elements by which a file says that and how it was de-identified (PS3.3 C.12.1): (0012,0062), (0012,0063),
 * (0012,0064) with the codes, and (0028,0303).
 */
export function methodElements(method: Method): readonly WritableElement[] {
  const codes = methodCodes(method);
  return [
    textElement(0x00120062, "CS", "YES"),
    textElement(0x00120063, "LO", ["Ichor", ...codes.map(({ meaning }) => meaning.slice(0, 64))].join("\\")),
    { tag: 0x00120064, vr: "SQ", value: codes.map(codeItem) },
    textElement(0x00280303, "CS", longitudinal[method.dates]),
  ];
}

const textElement = (tag: number, vr: string, text: string): WritableElement => {
  return { tag, vr, value: new TextEncoder().encode(text) };
};

/** One item of a code sequence (PS3.3 8.8). */
function codeItem({ value, meaning }: Code): readonly WritableElement[] {
  return [
    textElement(0x00080100, "SH", value),
    textElement(0x00080102, "SH", "DCM"),
    textElement(0x00080104, "LO", meaning.slice(0, 64)),
  ];
}
