import type { SeriesFacts } from "./series-facts.ts";
import { kernelWords } from "./series-kernels.ts";
import { namedPlane, namesBone, namesHead, otherPartOf, purposes } from "./series-names.ts";

/** Why a series is none to read for hemorrhage: a rule with its words, and what it sees of a series. */
interface SeriesRule {
  /** Short reason, as it stands in the ledger. */
  readonly kind: string;
  readonly rule: string;
  /** One sentence with the value seen; `undefined` where the rule does not speak. */
  readonly sees: (facts: SeriesFacts) => string | undefined;
}

/** Slices of a localizer: one from the front, one from the side, sometimes repeated. */
const mostLocalizers = 3;
/** Slices at each position, and slices in all, of a series that is repeated in time. */
const leastRepeats = 3;
const leastRepeated = 12;
/** No head with its neck is longer, mm. */
const longestHeadMm = 400;

const reformatTypes = /^(?:PROJECTION IMAGE|MIP|MAX_IP|MINIP|MIN_IP|VRT|VOLUME_RENDER|SURFACE_RENDER|CURVED|CPR)$/;
const mapTypes = /^(?:PERFUSION|CBF|CBV|MTT|TTP|TMAX|RCBF|RCBV|DYNAMIC)$/;
const materialTypes = /IODINE|VNC|EFFECTIVE_Z|EFF_ATOMIC_NUM|ELECTRON_DENSITY|MAT_VALUE|MATERIAL/;

/** What ImageType says (the words of a value that fit), or else the description. */
function typeOrName(facts: SeriesFacts, type: RegExp, name: RegExp): string | undefined {
  for (const value of facts.imageType) {
    const found = type.exec(value)?.[0];
    if (found !== undefined) return `ImageType says ${found}`;
  }
  return named(facts, name);
}

/** The words of a description that fit: never the whole of it, as people write more than words of the field there. */
function named({ description }: SeriesFacts, words: RegExp): string | undefined {
  const found = words.exec(description)?.[0];
  return found === undefined ? undefined : `the description says ${found}`;
}

/** The rules in their order: the first that speaks gives the reason. Scarce headers break none but those of geometry. */
export const seriesRules: readonly SeriesRule[] = [
  {
    kind: "localizer",
    rule: `ImageType or description says so, or at most ${mostLocalizers} slices, coronal or sagittal`,
    sees: (facts) =>
      typeOrName(facts, /^(?:LOCALIZER|SCOUT|TOPOGRAM)$/, purposes.localizer) ??
      (isUpright(facts) && facts.slices <= mostLocalizers ? `${facts.slices} ${facts.plane} slices` : undefined),
  },
  {
    kind: "dose report",
    rule: "ImageType says SCREEN SAVE, or the description names a dose report or protocol",
    sees: (facts) => typeOrName(facts, /^(?:SCREEN SAVE|DOSE_INFO|DOSE)$/, purposes["dose report"]),
  },
  {
    kind: "bolus tracking",
    rule: "the description names a bolus, its monitoring or its timing",
    sees: (facts) => named(facts, purposes["bolus tracking"]),
  },
  {
    kind: "perfusion",
    rule: `ImageType or description says so, or ${leastRepeats} slices and more at each position, ${leastRepeated} in all`,
    sees: (facts) =>
      typeOrName(facts, mapTypes, purposes.perfusion) ??
      (facts.slices >= leastRepeated && facts.positions > 0 && facts.slices >= leastRepeats * facts.positions
        ? `${facts.slices} slices at ${facts.positions} positions`
        : undefined),
  },
  {
    kind: "projection",
    rule: "ImageType or description names a projection or rendering (MIP, VRT), whose values are no HU of a slice",
    sees: (facts) => typeOrName(facts, reformatTypes, purposes.projection),
  },
  {
    kind: "material map",
    rule: "ImageType or description names a map of two energies (iodine, effective Z), whose values are no HU",
    sees: (facts) => typeOrName(facts, materialTypes, purposes["material map"]),
  },
  {
    kind: "angiography",
    rule: "the description names vessels (CTA, CTV), which contrast agent fills with values of blood and above",
    sees: (facts) => named(facts, purposes.angiography),
  },
  {
    kind: "reformat",
    rule: "coronal or sagittal by orientation, or by the description where there is no orientation",
    sees: (facts) => {
      if (isUpright(facts)) return `${facts.plane} by its orientation`;
      const plane = facts.plane === "unknown" ? namedPlane(facts.description) : undefined;
      return plane === undefined ? undefined : `the description says ${plane}`;
    },
  },
  {
    kind: "not a head",
    rule:
      "the description names another part and no head, or BodyPartExamined does and the description no head; " +
      `or longer than ${longestHeadMm} mm`,
    sees: otherBodyPart,
  },
  {
    kind: "bone kernel",
    rule: "the maker's kernel is sharp, or, where none is named, the description says bone and not brain",
    sees: ({ kernel, sharpness, description }) => {
      if (sharpness === "sharp") return `kernel ${kernelWords(kernel)}`;
      return kernel === undefined && namesBone(description) ? "the description says bone" : undefined;
    },
  },
];

function isUpright({ plane }: SeriesFacts): boolean {
  return plane === "coronal" || plane === "sagittal";
}

function otherBodyPart({ description, bodyPart, extentMm }: SeriesFacts): string | undefined {
  if (extentMm !== undefined && extentMm > longestHeadMm) return `${extentMm.toFixed(0)} mm long along its normal`;
  if (namesHead(description)) return undefined;
  const described = otherPartOf(description);
  if (described !== undefined) return `the description says ${described}`;
  const examined = namesHead(bodyPart) ? undefined : otherPartOf(bodyPart);
  return examined === undefined ? undefined : `BodyPartExamined says ${examined}`;
}

/** Why a series is none to read, by the first rule that speaks. */
export function whyNotRead(facts: SeriesFacts): { readonly kind: string; readonly detail: string } | undefined {
  for (const { kind, sees } of seriesRules) {
    const detail = sees(facts);
    if (detail !== undefined) return { kind, detail };
  }
  return undefined;
}
