import { type DataSet, items, text } from "../dicom/index.ts";

/** Elements whose words tell a person: names of any person, numbers and addresses. */
const telling = [
  0x00080050, // AccessionNumber
  0x00100020, // PatientID
  0x00100021, // IssuerOfPatientID
  0x00100030, // PatientBirthDate
  0x00101000, // OtherPatientIDs
  0x00101040, // PatientAddress
  0x00101090, // MedicalRecordLocator
  0x00102154, // PatientTelephoneNumbers
  0x00200010, // StudyID
  0x00321032, // RequestingPhysician
  0x00380010, // AdmissionID
];

/** Shorter words are in half of all texts by chance. */
const shortest = 4;

/** Words that stand in names as well as in what describes an image; no trace of anybody. */
const common = new Set("HEAD BRAIN SKULL NECK ROUTINE UNKNOWN ANONYMOUS ANONYMIZED DOCTOR HOSPITAL CLINIC".split(" "));

/**
 * The words of a file that tell who it is about, upper case: parts of persons' names, IDs, addresses. They are looked for
 * in whatever is kept, since people write them where they do not belong.
 */
export function identityWords(dataSet: DataSet): ReadonlySet<string> {
  const words = new Set<string>();
  collect(dataSet, words);
  return words;
}

function collect(dataSet: DataSet, words: Set<string>): void {
  for (const { tag, vr } of dataSet.elements.values()) {
    if (vr === "SQ") for (const item of items(dataSet, tag)) collect(item, words);
    else if (vr === "PN" || telling.includes(tag)) {
      const whole = (text(dataSet, tag) ?? "").toUpperCase();
      for (const word of [...whole.split("\\"), ...whole.split(/[^\p{L}\p{N}]+/u)]) {
        const trimmed = word.trim();
        if (trimmed.length >= shortest && !common.has(trimmed)) words.add(trimmed);
      }
    }
  }
}

/** Whether a text holds any of the words. */
export function tells(words: ReadonlySet<string>, value: string): boolean {
  const upper = value.toUpperCase();
  for (const word of words) if (upper.includes(word)) return true;
  return false;
}
