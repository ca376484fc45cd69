// The peak memory of a command, built and started as it is when installed. Linux only: it is read from /proc.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url).pathname;

/** Runs a command; answers its highest resident memory in MB and its seconds. */
export function peakOf(args: readonly string[]): Promise<{ mb: number; seconds: number }> {
  const begun = performance.now();
  const child = spawn(main, args, { stdio: ["ignore", "ignore", "inherit"] });
  let kb = 0;
  const look = () => {
    try {
      kb = Math.max(kb, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0));
    } catch {
      // the process has ended between two looks
    }
  };
  const timer = setInterval(look, 100);
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ mb: Math.round(kb / 1024), seconds: Math.round((performance.now() - begun) / 1000) });
      else reject(new Error(`ichor ${args.join(" ")} ended with ${code}`));
    });
  });
}
