// The thread of a training session whose feeds are all given.
import { handOver, openPool } from "../machine/index.ts";
import { trainingAnswers } from "./training-answers.ts";

export default trainingAnswers({ handOver, openPool });
