import { spawnSync } from "node:child_process";
import { askOracle, without } from "../../test/python.ts";

/** A compressed file and what it holds, as test/oracles/dicom_codecs.py says. */
export interface OracleFile {
  readonly file: string;
  readonly image: string;
  /** UID. */
  readonly syntax: string;
  readonly encoder: string;
  readonly oracle: string;
  /** Frames, rows, columns. */
  readonly shape: readonly [number, number, number];
  /** Base64 of int32 little endian. */
  readonly values: string;
}

/** What the oracle made. */
export interface OracleAnswer {
  readonly tools: Readonly<Record<string, string>>;
  readonly files: readonly OracleFile[];
}

/** Why tests by the encoders skip here, or false. */
export const noEncoders =
  without("python3-pydicom", "pydicom", "numpy") ||
  without("python3-gdcm", "gdcm") ||
  (["dcmcjpeg", "gdcmconv"].every((command) => spawnSync(command, ["--version"]).status === 0)
    ? false
    : "encoders are not installed (Debian: apt-get install dcmtk libgdcm-tools)");

/** Lets the encoders make their files, see the script. */
export function makeFiles(folder: string, ...flags: readonly "--small"[]): OracleAnswer {
  return answer(["make", folder, ...flags]) as OracleAnswer;
}

/** What pydicom decodes: for each file the SHA-256 of each frame as int32 little endian. */
export function readFiles(folder: string): Readonly<Record<string, { readonly frames: readonly string[] }>> {
  return answer(["read", folder]) as Readonly<Record<string, { readonly frames: readonly string[] }>>;
}

function answer(args: readonly string[]): unknown {
  return JSON.parse(askOracle("dicom_codecs.py", args));
}

/** Values of a frame as the oracle gives them. */
export function oracleFrame({ values, shape: [, rows, columns] }: OracleFile, frame: number): Int32Array {
  const bytes = Buffer.from(values, "base64");
  const all = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return all.subarray(frame * rows * columns, (frame + 1) * rows * columns);
}
