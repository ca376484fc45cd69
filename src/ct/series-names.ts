/** A kind of series or a part of the body, and the words by which headers name it. */
interface NameRow {
  readonly names: string;
  /** In capitals, with one space for everything that is no letter, digit or plus. */
  readonly words: RegExp;
}

/** What a head is called. */
const headWords =
  /\b(?:HEAD|BRAIN|SKULL|CRANI\w*|CEREBR\w*|NEURO\w*|STROKE|CCT|CAPUT|KOPF|SCHA?E?DEL|HIRN|CRANE|TETE|CABEZA|ENCEPHAL\w*)\b/;

/**
 * Parts of the body that are no head to read for hemorrhage, by BodyPartExamined (terms of PS3.16 annex L) and by the
 * words of descriptions. The last two belong to the head but show too little of the brain.
 */
export const otherParts: readonly NameRow[] = [
  { names: "neck", words: /\b(?:NECK|C ?SPINE|CERVICAL|CAROTID\w*|LARYNX|THYROID|HALS|HWS|COU)\b/ },
  {
    names: "chest",
    words: /\b(?:CHEST|THORAX|THORACIC|T ?SPINE|LUNGS?|HEART|CARDIAC|CORONARY|AORTA|RIBS?|STERNUM|BREAST)\b/,
  },
  {
    names: "abdomen or pelvis",
    words:
      /\b(?:ABDO\w*|ABD|PELVI\w*|LIVER|PANCREAS|KIDNEYS?|RENAL|COLON|L ?SPINE|LUMBAR|LSSPINE|SSPINE|HIPS?|BECKEN)\b/,
  },
  {
    names: "limb",
    words:
      /\b(?:EXTREMITY|ARM|HUMERUS|ELBOW|FOREARM|WRIST|HAND|SHOULDER|CLAVICLE|LEG|FEMUR|KNEE|TIBIA|ANKLE|FOOT|CALCANEUS)\b/,
  },
  { names: "spine or whole body", words: /\b(?:SPINE|WHOLE ?BODY|POLYTRAUMA)\b/ },
  {
    names: "face or sinuses",
    words: /\b(?:SINUS\w*|PNS|FAC(?:E|IAL)\w*|ORBITS?|MAXILL\w*|MANDIBLE|JAW|DENTAL|NASAL|TMJ)\b/,
  },
  { names: "temporal bone", words: /\b(?:TEMPORAL BONES?|PETROUS|IACS?|MASTOIDS?|INNER EAR|EARS?|FELSENBEIN)\b/ },
];

/** Series that are named after what they were made for. */
export const purposes = {
  localizer: /\b(?:SCOUT|TOPOGRAM\w*|LOCALI[SZ]ERS?|SURVIEW|SCANOGRAM|PILOT)\b/,
  "dose report": /\b(?:DOSE (?:REPORT|RECORD|INFO|SUMMARY|SHEET)|PATIENT PROTOCOL|EXAM(?:INATION)? PROTOCOL)\b/,
  "bolus tracking": /\b(?:BOLUS|PRE ?MONITORING|MONITORING|SMART ?PREP|SURE ?START|TRACKER|TIMING)\b/,
  perfusion: /\b(?:PERFUSION|PERF|CTP|VPCT|CBF|CBV|MTT|TMAX|TTP)\b/,
  angiography: /\b(?:CTA|CTV|ANGIO\w*|VENO(?:GRAM|GRAPHY)|ARTERIAL|VENOUS|COW|CIRCLE OF WILLIS)\b/,
  projection: /\b(?:MIP|MINIP|VRT|RAY ?SUM)\b/,
  "material map": /\b(?:IODINE|VNC|Z EFF\w*|EFF\w* Z|ELECTRON DENSITY|RHO)\b/,
} as const;

const coronalWords = /\b(?:COR|CORONAL|CORO)\b/;
const sagittalWords = /\b(?:SAG|SAGITTAL)\b/;
const boneWords = /\b(?:BONES?|KNOCHEN|OSSEUX|HUESO|OSSO)\b/;
const softWords = /\b(?:BRAIN|SOFT|ST|PARENCHYMA|WEICHTEIL\w*|HIRN|CEREBR\w*)\b/;
const plainWords = /\b(?:WITHOUT|W ?O|NON|NCCT|NECT|UNENHANCED|NATIV\w*|PLAIN|PRE|OHNE|SANS|SIN|C-)\b/;
const contrastWords = /(?:\+ ?C\b|\bC ?\+|\b(?:CONTRAST|POST|CE|CECT|ENHANCED|KM|GAD|DELAYED?)\b)/;

/** A description as the words of this file expect it. */
export function plainText(text: string | undefined): string {
  return (text ?? "")
    .toUpperCase()
    .replace(/[^A-Z0-9+]+/g, " ")
    .trim();
}

/** Whether a text names the head. */
export function namesHead(text: string): boolean {
  return headWords.test(text);
}

/** The part of the body other than a head to read that a text names. */
export function otherPartOf(text: string): string | undefined {
  return otherParts.find(({ words }) => words.test(text))?.names;
}

/** The plane that a description names. */
export function namedPlane(text: string): "coronal" | "sagittal" | undefined {
  return coronalWords.test(text) ? "coronal" : sagittalWords.test(text) ? "sagittal" : undefined;
}

/** Whether a description says that the series is reconstructed for bone, and not for brain as well. */
export function namesBone(text: string): boolean {
  return boneWords.test(text) && !softWords.test(text);
}

/** What a description says of contrast agent; the words for "without" count before "contrast". */
export function namedContrast(text: string): "yes" | "no" | "unknown" {
  return plainWords.test(text) ? "no" : contrastWords.test(text) ? "yes" : "unknown";
}
