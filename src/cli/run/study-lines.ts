import { readFileSync } from "node:fs";
import { fail, fileResult, ok, type Result } from "../../base/index.ts";
import { type Findings, findingsSchema, type StudyLine } from "../../detection/index.ts";

/** Reads `findings.json`. Problems: file problems, "not findings". */
export function readFindings(path: string): Result<Findings> {
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
    next: "run `ichor predict` again",
  });
}

/** The studies of a `findings.json`, a line each. Problems as `readFindings`. */
export function studyLines(path: string): Result<readonly StudyLine[]> {
  const findings = readFindings(path);
  if (findings.kind === "problem") return findings;
  return ok(
    findings.value.studies.map((study): StudyLine => {
      if (study.status === "not analysed") return study;
      const { status, slices, probabilities, decisions } = study;
      return { status, study: study.study, slices: slices.length, probabilities, decisions };
    }),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says what it wanted
  }
}
