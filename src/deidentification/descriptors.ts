// Words that a cleaned descriptor may hold (Clean Descriptors Option, PS3.15 E.3.6). A list of what is let through, since
// no list of what is not would be complete; each word that is not in it might be a name.

/** Words of anatomy, technique and display in descriptions of CT; upper case. */
const vocabulary = new Set(
  `
  A ABDOMEN ACUTE ADULT AND ANGIO ANGIOGRAPHY ARTERIAL AT AXIAL BASE BOLUS BONE BRAIN BY CARDIAC CAROTID CEREBRAL CERVICAL
  CEREBELLUM CHEST CHILD CLINICAL CM COMPLETE CONTRAST COR CORONAL CRANIAL CRANIUM CT CTA CTV DELAY DELAYED DERIVED DOSE
  DUAL EAR EARLY EMERGENCY ENERGY ENHANCED EXTREMITY FACE FACIAL FILTERED FINE FIRST FOLLOW FOR FOSSA FROM FULL HEAD
  HELICAL HEMATOMA HEMORRHAGE HIGH HU ICH IN INNER INITIAL IV LATE LEFT LOCALIZER LOW LUNG MAXILLA MEDIASTINUM MIP MM MPR
  NATIVE NECK NO NON NONCONTRAST NORMAL O OBLIQUE OF OLD ON ORBIT ORBITS PARENCHYMA PEDIATRIC PELVIS PERFUSION PHASE PITUITARY
  PLAIN PLUS POST POSTCONTRAST POSTERIOR PRE PROTOCOL RECON RECONSTRUCTION REFORMAT REFORMATTED REPEAT RIGHT ROUTINE SAG
  SAGITTAL SCAN SCOUT SECOND SEQ SEQUENCE SEQUENTIAL SERIES SHARP SINUS SINUSES SKULL SLICE SLICES SMOOTH SOFT SPINE SPIRAL
  STANDARD STD STROKE STUDY SUBDURAL SURVEY TEMPORAL THICK THIN THORAX THREE TILT TISSUE TO TOPOGRAM TRAUMA UNENHANCED UP
  VENOUS VENTRICLE VERTEX VESSEL VOLUME W WINDOW WITH WITHOUT WO X
  SCHADEL SCHAEDEL KOPF NATIV HIRN KNOCHEN WEICHTEIL CRANE TETE CEREBRAL CERVEAU SANS AVEC OS CRANEO CABEZA CEREBRO HUESO
  `
    .trim()
    .split(/\s+/),
);

/** Names of convolution kernels: letters and two digits at the most, as H31S, FC26, J40F. */
const kernel = /^(?:[A-Z]{1,2}\d{2}[A-Z]?)$/;

/** A thickness, a number of a series or phase: at most three digits before the point, so that no ID or date fits. */
const smallNumber = /^[+-]?\d{1,3}(?:\.\d{1,3})?(?:MM|CM|S|HU|KV|%)?$/;

/** Digits in three groups, as dates are written, whose parts alone would be small numbers. */
const dateLike = /\d{1,4}[-./]\d{1,2}[-./]\d{1,4}/g;

/** A descriptor without the words that are not known to be harmless; empty where nothing is left. */
export function cleanDescriptor(text: string): string {
  const kept = text
    .replace(dateLike, " ")
    .split(/([\s/,;:()_&+-]+)/)
    .filter((part, index) => index % 2 === 1 || isHarmless(part.toUpperCase()))
    .join("");
  return kept
    .replace(/[\s/,;:()_&+-]{2,}/g, " ")
    .replace(/^[\s/,;:()_&+-]+|[\s/,;:()_&+-]+$/g, "")
    .trim();
}

function isHarmless(word: string): boolean {
  return word === "" || vocabulary.has(word) || kernel.test(word) || smallNumber.test(word);
}
