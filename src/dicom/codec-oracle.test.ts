import { spawnSync } from "node:child_process";

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

const python = "/usr/bin/python3"; // Debian's, which is the one that has python3-pydicom and python3-gdcm
const script = new URL("../../test/oracles/dicom_codecs.py", import.meta.url).pathname;
const wanted = [
  [python, ["-c", "import pydicom, numpy, gdcm"]],
  ["dcmcjpeg", ["--version"]],
  ["gdcmconv", ["--version"]],
] as const;

/** Why tests by the encoders skip here, or false. */
export const noEncoders = wanted.every(([command, args]) => spawnSync(command, args).status === 0)
  ? false
  : "encoders are not installed (Debian: apt-get install dcmtk libgdcm-tools python3-gdcm python3-pydicom)";

/** Lets the encoders make their files, see the script. */
export function makeFiles(folder: string, ...flags: readonly "--small"[]): OracleAnswer {
  return answer(["make", folder, ...flags]) as OracleAnswer;
}

/** What pydicom decodes: for each file the SHA-256 of each frame as int32 little endian. */
export function readFiles(folder: string): Readonly<Record<string, { readonly frames: readonly string[] }>> {
  return answer(["read", folder]) as Readonly<Record<string, { readonly frames: readonly string[] }>>;
}

function answer(args: readonly string[]): unknown {
  const done = spawnSync(python, [script, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}

/** Values of a frame as the oracle gives them. */
export function oracleFrame({ values, shape: [, rows, columns] }: OracleFile, frame: number): Int32Array {
  const bytes = Buffer.from(values, "base64");
  const all = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return all.subarray(frame * rows * columns, (frame + 1) * rows * columns);
}
