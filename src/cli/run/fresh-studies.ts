import { readFileSync } from "node:fs";
import { fail, ok, type Result } from "../../base/index.ts";
import { type Findings, findingsSchema } from "../../detection/index.ts";
import { type Label, labels, parseLabelId } from "../../labels/index.ts";
import { fileResult } from "../../machine/index.ts";
import type { FreshStudy } from "../../report/index.ts";

/** Where it stands what the detector said of simulated studies, and what is in them. */
export interface FreshFiles {
  /** `findings.json` */
  readonly findings: string;
  /** Label table, as Ichor wrote it. */
  readonly labels: string;
}

/** What a detector said of simulated studies, beside what is in them. Problems: file problems, "not findings". */
export function freshStudies(files: FreshFiles): Result<readonly FreshStudy[]> {
  const read = readFindings(files.findings);
  if (read.kind === "problem") return read;
  const truth = positivesOf(files.labels);
  if (truth.kind === "problem") return truth;
  const studies = read.value.studies.flatMap((study): FreshStudy[] => {
    if (study.status !== "analysed") return [];
    const held = new Set(study.slices.flatMap(({ sliceId }) => truth.value.get(sliceId) ?? []));
    return [
      {
        study: study.study,
        slices: study.slices.length,
        probabilities: study.probabilities,
        called: labels.filter((label) => study.decisions[label] === "positive"),
        truth: labels.filter((label) => held.has(label)),
      },
    ];
  });
  return ok(studies);
}

function readFindings(path: string): Result<Findings> {
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const parsed = findingsSchema.safeParse(parseJson(text.value));
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return fail({
    kind: "not findings",
    where: `${path}: ${issue?.path.join(".") ?? ""}`,
    got: issue?.message ?? "something else",
    expected: "findings of format version 1",
    next: "remove the file and run the same command again",
  });
}

/** Slice → its positive labels. */
function positivesOf(path: string): Result<ReadonlyMap<string, readonly Label[]>> {
  const text = fileResult(path, () => readFileSync(path, "utf8"));
  if (text.kind === "problem") return text;
  const positives = new Map<string, Label[]>();
  for (const line of text.value.trimEnd().split("\n").slice(1)) {
    const [id = "", value] = line.split(",");
    const parsed = parseLabelId(id);
    if (parsed === undefined || Number(value) < 0.5) continue;
    positives.set(parsed.sliceId, [...(positives.get(parsed.sliceId) ?? []), parsed.label]);
  }
  return ok(positives);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says what it wanted
  }
}
