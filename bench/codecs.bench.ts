// Slices a second of each codec on one core, beside Debian's pydicom with GDCM: 512 × 512 slices of a phantom, signed 16
// bits, compressed by DCMTK, GDCM and OpenJPH. Headers and pixels; files in the page cache, pydicom's in its own memory.
// Processor time, since both decode in one thread and other work on the machine shall not count. Needs dcmtk,
// libgdcm-tools, python3-gdcm.
// npm run bench:codecs [-- --json FILE] [-- --rounds N]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, silent } from "../src/base/index.ts";
import { noEncoders } from "../src/dicom/codec-oracle.test.ts";
import { encapsulatedFile } from "../src/dicom/encapsulated-fixture.test.ts";
import { readFrameBy } from "../src/dicom/frame.ts";
import { byOpenjph, elementsOf, type Picture } from "../src/dicom/htj2k-fixture.test.ts";
import { codecs, loadCodecs, readFrame, readHeader, writeDicom } from "../src/dicom/index.ts";
import { makePhantom } from "../src/phantom/index.ts";
import {
  benchOptions,
  keepingMemory,
  machine,
  median,
  openPeer,
  type Run,
  race,
  ratioOf,
  round3,
  tell,
} from "./peers.ts";

keepingMemory(); // as the ichor command does
const { json, rounds, steps } = benchOptions({ rounds: 5, steps: 3 });
if (noEncoders) throw new Error(noEncoders);
const slices = 4;
const root = mkdtempSync(join(tmpdir(), "ichor-codecs-bench-"));
const encoders: Readonly<Record<string, readonly string[]>> = {
  native: ["dcmconv", "+te"],
  "big endian": ["dcmconv", "+tb"],
  deflated: ["dcmconv", "+td"],
  RLE: ["dcmcrle"],
  "JPEG extended, 12 bits": ["dcmcjpeg", "+ee", "+bt"],
  "JPEG lossless, predictor 6": ["dcmcjpeg", "+el", "+sv", "6"],
  "JPEG lossless, predictor 1": ["dcmcjpeg", "+e1"],
  "JPEG-LS": ["dcmcjpls"],
  "JPEG 2000, reversible": ["gdcmconv", "--j2k"],
  "JPEG 2000, lossy": ["gdcmconv", "--j2k", "--lossy", "-r", "10"],
};
const eightBits = { "JPEG baseline, 8 bits": ["dcmcjpeg", "+eb"] };

/** Slices of a head with noise, as signed 16 bits or scaled to 8. */
async function pictures(): Promise<readonly Picture[]> {
  const out = join(root, "phantom");
  const common = { threads: 2, progress: silent, signal: new AbortController().signal };
  must(await makePhantom({ ...common, out, studies: 1, testStudies: 0, seed: 1, slices: 3 * slices }));
  const folder = join(out, "stage_2_train");
  return readdirSync(folder)
    .sort()
    .slice(slices, 2 * slices)
    .map((name) => {
      const path = join(folder, name);
      const header = must(readHeader(path));
      const { values, rows, columns } = must(readFrame(path, header));
      return { rows, columns, bits: 16, sign: "signed", values: Int32Array.from(values) };
    });
}

const toBytes = ({ values, ...rest }: Picture): Picture => {
  const [low, high] = values.reduce(
    ([least, most], value) => [Math.min(least!, value), Math.max(most!, value)],
    [0, 0],
  );
  const scaled = values.map((value) => Math.round(((value - low!) / (high! - low!)) * 255));
  return { ...rest, bits: 8, sign: "unsigned", values: scaled };
};

function writeNative(folder: string, all: readonly Picture[]): string {
  mkdirSync(folder);
  for (const [index, picture] of all.entries()) {
    const { bits, values } = picture;
    const PixelData = bits > 8 ? Int16Array.from(values) : Uint8Array.from(values);
    const elements = { ...elementsOf(picture), PhotometricInterpretation: "MONOCHROME2", PixelData };
    writeFileSync(join(folder, `${index}.dcm`), writeDicom({ ...elements, StudyInstanceUID: "2.25.2" }));
  }
  return folder;
}

function convert([command = "", ...flags]: readonly string[], from: string, to: string): string {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    const done = spawnSync(command, [...flags, join(from, name), join(to, name)]);
    if (done.status !== 0) throw new Error(`${command}: ${done.stderr}`);
  }
  return to;
}

async function compressHtj2k(all: readonly Picture[], to: string): Promise<string> {
  mkdirSync(to);
  for (const [index, picture] of all.entries()) {
    const stream = await byOpenjph(picture, { lossy: "lossless", order: "RPCL" });
    const file = { syntax: "1.2.840.10008.1.2.4.202", fragments: [stream] };
    writeFileSync(join(to, `${index}.dcm`), encapsulatedFile(elementsOf(picture), file));
  }
  return to;
}

/** A pass over a folder's files, some times over. */
const decoding = (folder: string, codec: string) => async (passes: number) => {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  const ms: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const start = process.cpuUsage();
    for (const path of paths) must(readFrameBy(path, must(readHeader(path)), { frame: 0, codec }));
    const { user, system } = process.cpuUsage(start);
    ms.push((user + system) / 1000);
  }
  return { ms };
};

await loadCodecs();
const wide = await pictures();
const native = writeNative(join(root, "s16"), wide);
const narrow = writeNative(join(root, "u8"), wide.map(toBytes));
const folders = [
  ...Object.entries(encoders).map(([name, command]) => [name, convert(command, native, join(root, name))] as const),
  ...Object.entries(eightBits).map(([name, command]) => [name, convert(command, narrow, join(root, name))] as const),
  ["HTJ2K", await compressHtj2k(wide, join(root, "HTJ2K"))] as const,
];
const peer = openPeer("codecs_peer.py");
const table: object[] = [];
for (const [name, folder] of folders) {
  const first = join(folder, readdirSync(folder)[0] ?? "");
  const header = must(readHeader(first));
  const able = codecs[header.transferSyntax]?.codecs.filter(
    ({ name: codec }) => readFrameBy(first, header, { frame: 0, codec }).kind === "ok",
  );
  for (const { name: codec } of able ?? []) {
    const runs: Record<string, Run<object>> = { ichor: decoding(folder, codec) };
    if (name !== "HTJ2K") runs["pydicom"] = (passes) => peer.ask({ folder, steps: passes }); // GDCM 3.0 has no decoder
    const { ms } = await race(runs, { rounds, steps });
    const { ichor: own = [], pydicom: others } = ms;
    const speed = (times: readonly number[]) => round3((1000 * slices) / median(times));
    table.push({
      syntax: name,
      codec,
      bytes: Math.round(
        readdirSync(folder).reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0) / slices,
      ),
      slicesPerSecond: speed(own),
      ...(others && { pydicom: speed(others), ratio: round3(1 / ratioOf(own, others)) }),
    });
  }
}
tell(
  {
    what: "slices of 512 × 512 decoded a second of processor time; ratio: how many times as fast as pydicom",
    machine: machine(),
    table,
  },
  json,
);
peer.close();
rmSync(root, { recursive: true });
