// The thread of a run's training session, which can make its batches too (`openBatchSource`).
import { type BatchTask, openBatchMaker } from "../dataset/index.ts";
import { handOver, openPool } from "../machine/index.ts";
import { trainingAnswers } from "../runtime/index.ts";

const { begin, make } = openBatchMaker("in own memory");

export default trainingAnswers<BatchTask>(
  { handOver, openPool },
  { begin, make: async (task) => ({ hu: await make(task) }) },
);
