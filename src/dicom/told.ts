/**
 * A header's value as it may stand in a ledger or a message: whole where it is one of the standard's terms or of their
 * form, else by its length alone. Any text of a header may name the patient, whatever it is meant for.
 */
export function told(value: string | undefined, terms: RegExp): string {
  if (value === undefined) return "missing";
  return terms.test(value) ? value : `a value of ${value.length} characters`;
}

/** Terms of Modality (PS3.3 C.7.3.1.1.1), those that were retired too. */
const modalities =
  "ANN AR AS ASMT AU BDUS BI BMD CD CF CFM CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS DX EC ECG EEG EMG EOG EPS ES FA " +
  "FID FS GM HC HD IO IOL IVOCT IVUS KER KO LE LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS " +
  "OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF " +
  "ST STAIN TEXTUREMAP TG US VA VF XA XAPROTOCOL XC";

export const modalityTerms = new RegExp(`^(?:${modalities.replaceAll(" ", "|")})$`);

/** The form of a decimal string (PS3.5 6.2). */
export const decimalForm = /^[-+ \d.eE]{1,16}$/;

/** The form of a UID, as it should be and as the competition writes it, with the number of a frame (PS3.5 9.1). */
export const uidForm = /^(?:[\d.]{1,64}|ID_[0-9a-f]{1,16})(?::\d+)?$/;
