import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, ok, type Result } from "../base/index.ts";
import { submissionLines } from "../labels/index.ts";
import { fileProblem, makeFolder } from "../machine/index.ts";
import { type StudyRequest, simulateStudy } from "./study.ts";

/** A study to simulate and where its files go. */
export interface StudyTask extends StudyRequest {
  readonly folder: string;
}

/** What came of it. */
export interface StudyAnswer {
  readonly slices: number;
  /** Positive slices by label, [6]. */
  readonly positives: readonly number[];
  /** Its lines of the label table. */
  readonly lines: string;
}

/** Simulates one study and writes its files, each under a temporary name first. */
export default function simulate({ folder, ...request }: StudyTask): Result<StudyAnswer> {
  const positives = [0, 0, 0, 0, 0, 0];
  const lines: string[] = [];
  try {
    makeFolder(folder);
    for (const { sliceId, file, labels } of simulateStudy(request)) {
      const path = join(folder, `${sliceId}.dcm`);
      writeFile(path, file);
      lines.push(submissionLines(sliceId, labels));
      for (const [index, label] of labels.entries()) positives[index]! += label;
    }
  } catch (error) {
    return fail(fileProblem(error, folder));
  }
  return ok({ slices: lines.length, positives, lines: lines.join("") });
}

/** Under a temporary name first, of which nothing stays where the disk is full. */
function writeFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
