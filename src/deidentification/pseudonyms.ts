import { createHmac } from "node:crypto";

/**
 * Identities in place of others, all from one key: the same key gives the same pseudonym to the same person, study or
 * date wherever it is met, on any machine and in any order; without the key nobody can tell which belongs to which.
 */
export interface Pseudonyms {
  /** Another UID for a UID: under 2.25, the root of UUIDs (PS3.5 B.2). The UIDs of the standard stay. */
  uid(uid: string): string;
  /** An ID for a patient, "P" and 12 digits of base 16. */
  patient(id: string): string;
  /** A short text of letters and digits for anything else that must have a value. */
  code(purpose: string, text: string): string;
  /** Days by which all dates of a patient are moved back: 1 … 3652, some ten years. */
  daysBack(patientId: string): number;
}

/** Pseudonyms by HMAC-SHA-256 (RFC 2104) under a key of at least 16 bytes. */
export function pseudonymsFrom(key: Uint8Array): Pseudonyms {
  if (key.length < 16) throw new Error(`a key of ${key.length} bytes`);
  const digest = (purpose: string, text: string) => createHmac("sha256", key).update(`${purpose}\0${text}`).digest();
  return {
    uid(uid) {
      if (isStandardUid(uid)) return uid;
      return `2.25.${BigInt(`0x${digest("uid", uid).toString("hex", 0, 16)}`)}`;
    },
    patient: (id) => `P${digest("patient", id).toString("hex", 0, 6)}`,
    code: (purpose, text) => digest(purpose, text).toString("hex", 0, 6).toUpperCase(),
    daysBack: (patientId) => 1 + (digest("days", patientId).readUInt32BE(0) % 3652),
  };
}

/** UIDs of DICOM itself (SOP classes, transfer syntaxes), which name no instance. */
export function isStandardUid(uid: string): boolean {
  return uid.startsWith("1.2.840.10008.");
}

/**
 * A date moved back by whole days. `value` is a DA (YYYYMMDD, or the old YYYY.MM.DD) or a DT (YYYYMMDDHHMMSS.F&ZZXX, of
 * which all behind the day stays); empty where it holds no whole date.
 */
export function moveBack(value: string, days: number): string {
  const parts = /^(\d{4})\.?(\d{2})\.?(\d{2})(.*)$/.exec(value.trim());
  if (parts === null) return "";
  const [, year = "", month = "", day = "", rest = ""] = parts;
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(time);
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return ""; // such as 31 February
  return `${new Date(time - days * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "")}${rest}`;
}
