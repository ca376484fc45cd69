import { describeProblem } from "../../base/index.ts";
import { columns } from "../output.ts";
import type { Advice } from "./doctor-advice.ts";
import type { DiskRate } from "./doctor-disk.ts";
import type { TrainingRate } from "./doctor-measure.ts";
import type { DoctorReport } from "./doctor-report.ts";

/** The report for people. */
export function doctorText({ machine, providers, measured, advice }: DoctorReport): string {
  const { block } = machine;
  return [
    `Node ${machine.node} on ${machine.system}\n`,
    `${machine.processor}, ${count(machine.cores, "core")}; `,
    `${gigabytes(machine.memoryBytes)} memory, ${gigabytes(machine.freeMemoryBytes)} of it free\n`,
    block === undefined
      ? "No blocked layout on this processor: training takes the portable form\n"
      : `Blocked layout in blocks of ${block}: training takes the fast form\n`,
    ...(machine.load > machine.cores / 2
      ? [`Other work is running (load ${machine.load.toFixed(1)}): what is measured below is too slow\n`]
      : []),
    heading("Providers"),
    ...providers.map(({ name, what, missing, half }) =>
      missing === undefined
        ? `  ${name.padEnd(9)} usable: ${what}${half === undefined ? "" : `; ${halfWords[half]}`}\n`
        : `  ${name.padEnd(9)} not here (${what}): ${missing.got}\n${" ".repeat(12)}needs ${missing.expected}\n${" ".repeat(12)}next: ${missing.next}\n`,
    ),
    heading("Matrix product, 1024×1024 float32"),
    indent(columns([["threads", "GFLOP/s"], ...measured.product.map((row) => [`${row.threads}`, whole(row.gflops)])])),
    ...rates("Training the cnn of `ichor train`", measured.training),
    ...rates("A smaller one, on each provider", measured.beside),
    ...(measured.disk === undefined ? [] : [heading("Disk"), `  ${diskText(measured.disk)}\n`]),
    ...measured.problems.map((problem) => `\nNot measured: ${describeProblem(problem)}\n`),
    ...(advice === undefined ? [] : adviceText(advice)),
  ].join("");
}

function rates(title: string, rows: readonly TrainingRate[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const cells = rows.map((row) => [
    row.provider,
    row.ran,
    `${row.threads}`,
    row.stepMs.toFixed(1),
    whole(row.slicesPerSecond),
  ]);
  return [
    heading(`${title}: ${first.size}×${first.size}, ${first.batch} slices a step`),
    indent(columns([["provider", "form", "threads", "ms a step", "slices/s"], ...cells])),
  ];
}

function adviceText({ threads, provider, batchSize, size, resolutions }: Advice): string[] {
  const cells = resolutions.map((row) => [
    `${row.size}×${row.size}`,
    duration(row.epoch1000Seconds),
    duration(row.epoch100000Seconds),
    gigabytes(row.memoryBytes),
    gigabytes(row.cache1000Bytes),
    gigabytes(100 * row.cache1000Bytes),
  ]);
  return [
    heading(`What an epoch of the cnn would take, ${batchSize} slices a step (from the measurement, by pixels)`),
    indent(
      columns([
        ["resolution", "1,000 slices", "100,000 slices", "memory", "cache of 1,000", "cache of 100,000"],
        ...cells,
      ]),
    ),
    heading("Recommended"),
    `  --threads ${threads}: more do not make it faster, or there are no more\n`,
    `  --set batchSize=${batchSize} --set preprocessing.size=${size}: the finest of which 1,000 slices take at most a minute and that\n`,
    "    half of the free memory holds; whether it detects better is another question\n",
    `  --provider ${provider}: the fastest of those here\n`,
  ];
}

function diskText(disk: DiskRate): string {
  if (disk.kind === "files")
    return `${disk.folder}: ${count(disk.files, "file")} read at ${whole(disk.readMBs)} MB/s (files read lately come from memory)`;
  const { folder, writeMBs, rereadMBs } = disk;
  return `${folder}: written at ${whole(writeMBs)} MB/s, read again from the system's memory at ${whole(rereadMBs)} MB/s`;
}

const halfWords = {
  float16: "float16 here",
  "in float32": "float16 is worked out in float32, no gain",
  missing: "no float16",
} as const;

const heading = (text: string) => `\n${text}\n`;
const indent = (text: string) => text.replaceAll(/^(?=.)/gm, "  ");
const count = (number: number, thing: string) => `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
const whole = (number: number) => (number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString("en"));

function duration(seconds: number): string {
  if (seconds < 90) return `${whole(seconds)} s`;
  if (seconds < 90 * 60) return `${whole(seconds / 60)} min`;
  return `${whole(seconds / 3600)} h`;
}
