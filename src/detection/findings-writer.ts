import type { Detector } from "../models/index.ts";
import type { Draft } from "./draft.ts";
import { type Findings, notice, type StudyFinding } from "./findings.ts";
import type { Ledger } from "./ledger.ts";

/** Writes `findings.json` study by study. */
export interface FindingsWriter {
  add(study: StudyFinding): void;
  /** Writes the ledger and closes the document. */
  end(ledger: Ledger): void;
}

/** Opens the document; a line a study, so that it can be read piece by piece as well. */
export function openFindings(draft: Draft, { info, hash }: Pick<Detector, "info" | "hash">): FindingsWriter {
  const { model, headline, operatingPoints, evidence, scope } = info;
  const head: Omit<Findings, "studies" | "ledger"> = {
    version: 2,
    notAMedicalDevice: notice,
    detector: { hash, model, headline, operatingPoints, evidence, scope: scope.notice },
  };
  const write = (text: string) => draft.write("findings.json", text);
  write(`${JSON.stringify(head).slice(0, -1)},"studies":[`);
  let separator = "\n";
  return {
    add(study) {
      write(separator + JSON.stringify(study));
      separator = ",\n";
    },
    end(ledger) {
      const account: Findings["ledger"] = { ...ledger.summary(), rows: [...ledger.rows] };
      write(`\n],"ledger":${JSON.stringify(account)}}\n`);
    },
  };
}
