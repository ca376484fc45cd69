import {
  basicProfile,
  cleanedDescriptors,
  neverKeptDates,
  otherTimes,
  type ProfileAction,
  replacedWithUids,
  type SafePrivate,
  safePrivates,
} from "./profile-table.ts";

/** The options of the profile that can be asked for (PS3.15 E.3). */
export interface ProfileOptions {
  /** Retain UIDs Option (E.3.9): "kept". */
  readonly uids: "replaced" | "kept";
  /** Retain Longitudinal Temporal Information: "moved" by the same days for a patient (E.3.6), or "kept" in full. */
  readonly dates: "removed" | "moved" | "kept";
  /** Clean Descriptors Option (E.3.3): "cleaned" keeps the words that are known to be harmless. */
  readonly descriptors: "removed" | "cleaned";
}

/** What is done with an element. */
export type Treatment =
  | { readonly kind: "keep" }
  | { readonly kind: "remove" }
  | { readonly kind: "empty" }
  /** Another value that means nothing. */
  | { readonly kind: "dummy" }
  | { readonly kind: "another UID" }
  | { readonly kind: "move date" }
  | { readonly kind: "clean" }
  | { readonly kind: "name of the patient" }
  | { readonly kind: "ID of the patient" };

const rows = (text: string) => text.trim().split(/\s+/);
const tagsOf = (text: string): ReadonlySet<number> => new Set(rows(text).map((digits) => Number.parseInt(digits, 16)));

/** Tag → action; rows with free digits stand apart. */
const actions = new Map<number, ProfileAction>();
const patterns: { readonly pattern: RegExp; readonly action: ProfileAction }[] = [];
for (const [action, text] of Object.entries(basicProfile) as [ProfileAction, string][]) {
  for (const digits of rows(text)) {
    if (!digits.includes("x")) actions.set(Number.parseInt(digits, 16), action);
    else patterns.push({ pattern: new RegExp(`^${digits.replaceAll("x", "[0-9A-F]")}$`), action });
  }
}
const descriptors = tagsOf(cleanedDescriptors);
const replacedAlways = tagsOf(replacedWithUids);
const timesBesides = tagsOf(otherTimes);
const datesNeverKept = tagsOf(neverKeptDates);
const [patientName, patientId] = [0x00100010, 0x00100020];
/** Of the de-identification itself, which is written anew: identity removed, method, code, longitudinal information. */
const ownTags = new Set([0x00120062, 0x00120063, 0x00120064, 0x00280303]);

/** What the table says of a tag of the standard; `undefined` for an attribute that is not in it. */
export function profileAction(tag: number): ProfileAction | undefined {
  const digits = tag.toString(16).toUpperCase().padStart(8, "0");
  return actions.get(tag) ?? patterns.find(({ pattern }) => pattern.test(digits))?.action;
}

/**
 * What is done with an attribute of the standard. Attributes that are not in the table of the Basic Profile are treated by
 * their VR, more strictly than it asks: names of persons are emptied, dates, free text and what the standard does not know
 * are removed, UIDs of instances replaced.
 */
export function treatmentOf(
  { tag, vr, known }: { readonly tag: number; readonly vr: string; readonly known: "known" | "unknown" },
  options: ProfileOptions,
): Treatment {
  if (ownTags.has(tag)) return { kind: "remove" };
  if (tag === patientName) return { kind: "name of the patient" };
  if (tag === patientId) return { kind: "ID of the patient" };
  const action = profileAction(tag);
  if (action === "U" || (action === undefined && vr === "UI")) {
    return { kind: options.uids === "kept" && !replacedAlways.has(tag) ? "keep" : "another UID" };
  }
  const isTime = vr === "DA" || vr === "DT" || vr === "TM" || timesBesides.has(tag);
  if (isTime && options.dates !== "removed" && !datesNeverKept.has(tag)) return keptTime(vr, options.dates);
  if (options.descriptors === "cleaned" && descriptors.has(tag)) return { kind: "clean" };
  if (action !== undefined) return basic[action];
  return known === "unknown" ? { kind: "remove" } : byVr(vr);
}

const basic = {
  D: { kind: "dummy" },
  Z: { kind: "empty" },
  X: { kind: "remove" },
  U: { kind: "another UID" },
} as const satisfies Record<ProfileAction, Treatment>;

/** Dates move; a time of day stays, since it tells no day; what holds a date in another form cannot be moved and goes. */
function keptTime(vr: string, dates: "moved" | "kept"): Treatment {
  if (dates === "kept" || vr === "TM" || vr === "SH") return { kind: "keep" };
  return { kind: vr === "DA" || vr === "DT" ? "move date" : "remove" };
}

function byVr(vr: string): Treatment {
  switch (vr) {
    case "PN":
      return { kind: "empty" };
    case "DA":
    case "DT":
    case "TM":
    case "AE":
    case "LT":
    case "ST":
    case "UC":
    case "UN":
    case "UR":
    case "UT":
      return { kind: "remove" };
    default:
      return { kind: "keep" };
  }
}

/** Whether a private element is known to be safe: by its creator, its group and the last digits of its element. */
export function isSafePrivate(tag: number, creator: string | undefined): boolean {
  const [group, element] = [tag >>> 16, tag & 0xff];
  return safePrivates.some(
    (row: SafePrivate) => row.creator === creator && row.group === group && row.element === element,
  );
}
