import { type DataSet, items, type Keyword, numbers, text } from "../dicom/index.ts";

/** The macros that say something of a frame, by the sequence that holds them: PS3.3 C.7.6.16.2 and C.8.15.3. */
export type Macro =
  | "PlanePositionSequence"
  | "PlaneOrientationSequence"
  | "PixelMeasuresSequence"
  | "PixelValueTransformationSequence"
  | "FrameContentSequence"
  | "CTImageFrameTypeSequence"
  | "CTReconstructionSequence"
  | "ContrastBolusUsageSequence"
  | "FrameAnatomySequence"
  /** What no macro holds: the elements of the file. */
  | "image";

/** What a header says of one image: the same questions for a classic file and for a frame of several. */
export interface ImageElements {
  /** The text of an element of a macro; as `text` of the room dicom. */
  text(macro: Macro, keyword: Keyword): string | undefined;
  /** The numbers of an element of a macro; as `numbers` of the room dicom. */
  numbers(macro: Macro, keyword: Keyword): readonly number[] | undefined;
  /** The first item of a sequence within a macro. */
  item(macro: Macro, keyword: Keyword): DataSet | undefined;
}

/** The elements of a classic file, in which macros are not nested: PS3.3 A.3. */
export function classicElements(dataSet: DataSet): ImageElements {
  return {
    text: (_, keyword) => text(dataSet, keyword),
    numbers: (_, keyword) => numbers(dataSet, keyword),
    item: (_, keyword) => items(dataSet, keyword)[0],
  };
}

/**
 * The elements of each frame: from its own functional groups (5200,9230), else the shared ones (5200,9229), else, where a
 * converter left them there, the unassigned attributes of legacy converted files (PS3.3 C.7.6.16.2.25, 26), else the
 * file's own elements. A place is taken from the functional groups alone, as one of the file cannot be that of every
 * frame. Answers why not where the file has no functional groups, or not as many as frames: nothing says then where its
 * frames lie. Bounded by the bytes of the header, whatever NumberOfFrames says.
 */
export function frameElements(dataSet: DataSet, frames: number): readonly ImageElements[] | string {
  const groups = items(dataSet, "PerFrameFunctionalGroupsSequence");
  if (groups.length === 0) return `NumberOfFrames is ${frames}, and no functional groups say where the frames lie`;
  if (groups.length !== frames) return `${groups.length} items of functional groups for ${frames} frames`;
  const [shared] = items(dataSet, "SharedFunctionalGroupsSequence");
  const sharedOf = memoised((sequence: GroupSequence) => firstItem(shared, sequence));
  return groups.map((own) => {
    const ownOf = memoised((sequence: GroupSequence) => firstItem(own, sequence));
    return elementsOf((macro) => {
      const assigned = macro === "image" ? [] : [ownOf(macro), sharedOf(macro)];
      if (macro === "PlanePositionSequence" || macro === "FrameContentSequence") return assigned;
      const unassigned = [
        ownOf("UnassignedPerFrameConvertedAttributesSequence"),
        sharedOf("UnassignedSharedConvertedAttributesSequence"),
      ];
      return [...assigned, ...unassigned, dataSet];
    });
  });
}

type GroupSequence =
  | Exclude<Macro, "image">
  | "UnassignedPerFrameConvertedAttributesSequence"
  | "UnassignedSharedConvertedAttributesSequence";

/** Places to look in, the first that has the element decides. */
type Places = (macro: Macro) => readonly (DataSet | undefined)[];

function elementsOf(places: Places): ImageElements {
  const first = <T>(macro: Macro, look: (dataSet: DataSet) => T | undefined): T | undefined => {
    for (const place of places(macro)) {
      const found = place === undefined ? undefined : look(place);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    text: (macro, keyword) => first(macro, (place) => text(place, keyword)),
    numbers: (macro, keyword) => first(macro, (place) => numbers(place, keyword)),
    item: (macro, keyword) => first(macro, (place) => items(place, keyword)[0]),
  };
}

function firstItem(dataSet: DataSet | undefined, keyword: Keyword): DataSet | undefined {
  return dataSet === undefined ? undefined : items(dataSet, keyword)[0];
}

/** Keeps answers: a frame is asked for several elements of one macro, and each question walks its items. */
function memoised<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (known.has(key)) return known.get(key) as V;
    const made = make(key);
    known.set(key, made);
    return made;
  };
}
