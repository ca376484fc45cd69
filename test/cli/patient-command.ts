// A command that waits for Ctrl-C, as a process of its own: `politely` stops at the first, `stubbornly` at none.
import { fail } from "../../src/base/index.ts";
import { type CommonFlags, command, show, start } from "../../src/cli/index.ts";

const interrupted = {
  kind: "interrupted",
  where: "waiting",
  got: "Ctrl-C",
  expected: "patience",
  next: "run the same command again",
};

const wait = command<CommonFlags, [string]>({
  summary: "Wait",
  description: "Waits.",
  examples: ["ichor wait politely"],
  positional: { kind: "tuple", parameters: [{ parse: String, brief: "How" }] },
  flags: {},
  load: async () =>
    async function (flags, how) {
      this.progress.start("Waiting", 10).advance(1); // left open, as interrupted work leaves it
      const alive = setInterval(() => {}, 1000);
      this.process.stdout.write("waiting\n");
      await new Promise<void>((resolve) => {
        if (how === "politely") this.signal.addEventListener("abort", () => resolve());
      });
      clearInterval(alive);
      show(this, fail(interrupted), { flags, text: () => "" });
    },
});

await start({ wait }, process.argv.slice(2));
