// Tries providers one after the other, in a process of its own: a driver that fails may take its process with it, and
// native code writes to standard error.
import { describeProblem } from "../../base/index.ts";
import { probeHalfPrecision, probeProvider } from "../../runtime/index.ts";

for (const provider of process.argv.slice(2)) {
  process.send?.({ provider, begun: true });
  const state = await probeProvider(provider);
  if (state.kind === "problem")
    process.send?.({ provider, problem: state.problem, words: describeProblem(state.problem) });
  else process.send?.({ provider, half: await probeHalfPrecision(provider) });
}
process.disconnect?.();
