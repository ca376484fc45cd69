import { fail, type Problem, type Result } from "../base/index.ts";
import {
  type DataSet,
  elementsOf,
  items,
  numbers,
  rewriteFile,
  standardElement,
  text,
  type WritableElement,
} from "../dicom/index.ts";
import { cleanDescriptor } from "./descriptors.ts";
import { identityWords, tells } from "./identity.ts";
import { methodElements } from "./method.ts";
import { overlayBits } from "./overlay-bits.ts";
import { isSafePrivate, type ProfileOptions, type Treatment, treatmentOf } from "./profile.ts";
import { isStandardUid, moveBack, type Pseudonyms } from "./pseudonyms.ts";

/** How a file is de-identified. */
export interface FileOptions extends ProfileOptions {
  readonly pseudonyms: Pseudonyms;
}

/** The new names of a file, under which it is kept. */
export interface NewNames {
  readonly patient: string;
  readonly study: string;
  readonly series: string;
  readonly sop: string;
}

/** The names that a file gets; they are the same for the same file and key. */
export function newNames(header: DataSet, { pseudonyms, uids }: FileOptions): NewNames {
  const uid = (keyword: "StudyInstanceUID" | "SeriesInstanceUID" | "SOPInstanceUID") => {
    // Without a UID of its own an instance is told by its file, so that no two of them get one name.
    const old = text(header, keyword) ?? (keyword === "SOPInstanceUID" ? header.where : "");
    return uids === "kept" && /^\w[\w.]{0,63}$/.test(old) ? old : pseudonyms.uid(old);
  };
  return {
    patient: pseudonyms.patient(patientOf(header)),
    study: uid("StudyInstanceUID"),
    series: uid("SeriesInstanceUID"),
    sop: uid("SOPInstanceUID"),
  };
}

/** Whose file it is: the patient's ID with who gave it, or the name where there is none. */
function patientOf(header: DataSet): string {
  return `${text(header, "PatientID") ?? text(header, "PatientName") ?? ""}\0${text(header, 0x00100021) ?? ""}`;
}

/**
 * Writes a file without the identity of its patient: PS3.15's Basic Profile and the options asked for. Pixels stay as they
 * are, but for overlays in bits that the pixels do not use. Problems: those of `rewriteFile`, "overlay in pixels".
 */
export function deidentifyFile(
  paths: { readonly from: string; readonly to: string },
  header: DataSet,
  options: FileOptions,
): Result<void> {
  const overlays = overlayBits(header);
  if (overlays.kind === "refused") return fail(overlayInPixels(paths.from, overlays.why));
  const work = { options, words: identityWords(header), names: newNames(header, options) };
  const elements = treatedElements(header, work);
  const privates = elements.some(({ tag }) => isPrivate(tag)) ? "some kept" : "removed";
  return rewriteFile(paths, header, {
    elements: [...elements, ...methodElements({ ...options, privates })],
    ...(overlays.kind === "clear" ? { pixels: overlays.pixels } : {}),
  });
}

/** The elements of a data set or item, treated one by one; those of the meta header are left to be made anew. */
function treatedElements(dataSet: DataSet, work: Work): WritableElement[] {
  const body = elementsOf(dataSet).filter(({ tag }) => tag >>> 16 !== 2);
  return body.flatMap((element) => {
    const change = changeOf(element, dataSet, work);
    if (change.kind === "remove") return [];
    if (change.kind === "keep") return [element];
    if (change.kind === "value") return [{ ...element, value: change.bytes }];
    return [{ ...element, value: items(dataSet, element.tag).map((item) => treatedElements(item, work)) }];
  });
}

const isPrivate = (tag: number) => ((tag >>> 16) & 1) === 1;

/** What becomes of an element. */
type Change =
  | { readonly kind: "keep" }
  | { readonly kind: "remove" }
  /** Another value, in bytes. */
  | { readonly kind: "value"; readonly bytes: Uint8Array }
  /** A sequence, each element of whose items is treated in its turn. */
  | { readonly kind: "items" };

function overlayInPixels(where: string, got: string): Problem {
  const next = "decompress the file first, e.g. with gdcmconv --raw";
  return { kind: "overlay in pixels", where, got, expected: "pixels alone in the pixel data, or uncompressed", next };
}

interface Work {
  readonly options: FileOptions;
  readonly words: ReadonlySet<string>;
  readonly names: NewNames;
}

function changeOf(element: WritableElement, dataSet: DataSet, work: Work): Change {
  const { tag, vr } = element;
  if (isPrivate(tag)) return privateChange(element, dataSet, work);
  const listed = standardElement(tag);
  const ownVr = vr === "UN" ? (listed?.vr ?? "UN") : vr;
  const treatment = treatmentOf({ tag, vr: ownVr, known: listed === undefined ? "unknown" : "known" }, work.options);
  return apply(treatment, { tag, vr: ownVr, dataSet, work });
}

/** A private element stays where it is known to be safe; its creator with it, and the creators of blocks that have one. */
function privateChange({ tag }: WritableElement, dataSet: DataSet, { words }: Work): Change {
  const block = (tag >>> 8) & 0xff;
  if (block === 0) {
    const name = text(dataSet, tag);
    const first = (((tag & 0xffff0000) >>> 0) | ((tag & 0xff) << 8)) >>> 0;
    const safe = [...dataSet.elements.keys()].some(
      (other) => (other & 0xffffff00) >>> 0 === first && isSafePrivate(other, name),
    );
    return { kind: safe ? "keep" : "remove" };
  }
  const creator = text(dataSet, ((tag & 0xffff0000) | block) >>> 0);
  return { kind: isSafePrivate(tag, creator) && !tells(words, text(dataSet, tag) ?? "") ? "keep" : "remove" };
}

interface Place {
  readonly tag: number;
  readonly vr: string;
  readonly dataSet: DataSet;
  readonly work: Work;
}

const textBytes = (value: string): Change => ({ kind: "value", bytes: new TextEncoder().encode(value) });
const nothing = textBytes("");

function apply(treatment: Treatment, place: Place): Change {
  const { tag, vr, dataSet, work } = place;
  const { pseudonyms } = work.options;
  const values = () => (text(dataSet, tag) ?? "").split("\\");
  switch (treatment.kind) {
    case "remove":
      return { kind: "remove" };
    case "empty":
      return nothing;
    case "keep":
      return kept(place);
    case "clean":
      return vr === "SQ" ? { kind: "items" } : textBytes(values().map(cleanDescriptor).join("\\"));
    case "move date":
      return textBytes(
        values()
          .map((value) => moveBack(value, pseudonyms.daysBack(patientOf(rootOf(dataSet)))))
          .join("\\"),
      );
    case "another UID":
      return textBytes(
        values()
          .map((uid) => (uid === "" || isStandardUid(uid) ? uid : pseudonyms.uid(uid)))
          .join("\\"),
      );
    case "name of the patient":
    case "ID of the patient":
      return textBytes(work.names.patient);
    case "dummy":
      return dummy(place);
  }
}

/** A kept text must not name anybody; a kept sequence is gone through; a kept UID is one of the standard or retained. */
function kept({ tag, vr, dataSet, work }: Place): Change {
  if (vr === "SQ") return { kind: "items" };
  const isText = ["AS", "CS", "DS", "IS", "LO", "SH", "LT", "ST", "UC", "UT"].includes(vr);
  return isText && tells(work.words, text(dataSet, tag) ?? "") ? nothing : { kind: "keep" };
}

/** A value of the right form that says nothing; the same for the same value, where a text may be compared. */
function dummy({ tag, vr, dataSet, work }: Place): Change {
  switch (vr) {
    case "SQ":
      return nothing;
    case "DA":
      return textBytes("20000101");
    case "DT":
      return textBytes("20000101000000");
    case "TM":
      return textBytes("000000");
    case "AS":
      return textBytes("000Y");
    case "IS":
    case "DS":
      return textBytes("0");
    case "PN":
      return textBytes("REMOVED");
    case "AE":
    case "CS":
    case "LO":
    case "LT":
    case "SH":
    case "ST":
    case "UC":
    case "UT":
      return textBytes(work.options.pseudonyms.code(String(tag), text(dataSet, tag) ?? ""));
    default:
      return { kind: "value", bytes: new Uint8Array(2) };
  }
}

function rootOf(dataSet: DataSet): DataSet {
  return dataSet.parent === undefined ? dataSet : rootOf(dataSet.parent);
}

/** Why a picture may have words burned into it, where its header says so; nothing where it does not. */
export function burnedIn(header: DataSet): string | undefined {
  if (text(header, "BurnedInAnnotation") === "YES") return "BurnedInAnnotation is YES";
  const sopClass = text(header, "SOPClassUID");
  if (sopClass?.startsWith("1.2.840.10008.5.1.4.1.1.7")) return "a secondary capture, on which words are usual";
  const type = text(header, "ImageType")?.split("\\") ?? [];
  const screen = type
    .map((value) => /SCREEN|DOSE|REPORT|PROTOCOL|SUMMARY/.exec(value.toUpperCase())?.[0])
    .find(Boolean);
  if (screen !== undefined) return `ImageType says ${screen}`;
  return (numbers(header, "SamplesPerPixel")?.[0] ?? 1) > 1 && text(header, "Modality") === "CT"
    ? "a colour picture of a CT, such as a screen shot"
    : undefined;
}
