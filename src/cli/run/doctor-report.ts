import type { Problem } from "../../base/index.ts";
import type { Advice } from "./doctor-advice.ts";
import type { DiskRate } from "./doctor-disk.ts";
import type { TrainingRate } from "./doctor-measure.ts";
import type { ProviderReport } from "./doctor-providers.ts";

/** What this machine is, can use, and does; and what to make of it. */
export interface DoctorReport {
  readonly machine: {
    readonly node: string;
    readonly system: string;
    readonly processor: string;
    /** Threads that the system grants. */
    readonly cores: number;
    readonly memoryBytes: number;
    readonly freeMemoryBytes: number;
    /** Processes that want to run, over the last minute, before this one measured. */
    readonly load: number;
    /** Channels of a block of ONNX Runtime's blocked layout; undefined where it has none. */
    readonly block?: number;
  };
  readonly providers: readonly ProviderReport[];
  readonly measured: {
    readonly product: readonly { readonly threads: number; readonly gflops: number }[];
    /** The cnn as `ichor train` has it, by threads. */
    readonly training: readonly TrainingRate[];
    /** A smaller one, on each provider and in both forms. */
    readonly beside: readonly TrainingRate[];
    readonly disk?: DiskRate;
    /** What could not be measured. */
    readonly problems: readonly Problem[];
  };
  readonly advice?: Advice;
}
