// ichor/autodiff from the built package: its example in Node and in headless Chromium, and the executors over there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { openExecutor } from "../src/runtime/index.ts";
import { browserOpener, launch, noChromium, servePackage } from "./chromium.ts";
import { executorContract } from "./contract/executor.ts";
import { distance } from "./graphs.ts";

/** Measured 1e-7; sums may run in another order, and each step carries its roundings into the next. */
const tolerance = 1e-4;

const served = await servePackage();
const browser = noChromium === false ? await launch() : undefined;
const contractPage = await browser?.newPage();
await contractPage?.goto(served.address("/examples/contract.html"));
const adapter = await contractPage?.evaluate("navigator.gpu?.requestAdapter().then((found) => found !== null)");
const noWebgpu = noChromium || (adapter === true ? false : "this Chromium has no WebGPU adapter, not even in software");

after(async () => {
  await browser?.close();
  served.close();
});

let wanted: readonly number[] = [];

test("the example trains in Node, by the package's own name", () => {
  const program = `
    const { train } = await import(${JSON.stringify(join(served.folder, "examples/tiny-network.mjs"))});
    const { losses } = await train({ provider: "cpu" });
    console.log(JSON.stringify(losses));`;
  const flags = ["--input-type=module", "-e", program];
  const run = spawnSync(process.execPath, flags, { encoding: "utf8", cwd: served.folder });
  assert.equal(run.status, 0, run.stderr);
  wanted = JSON.parse(run.stdout) as number[];
  assert.ok(wanted.at(-1)! < 0.1 * wanted[0]!, `the loss falls: ${wanted[0]} to ${wanted.at(-1)}`);
});

test("a page trains with the same code to the same losses, on WebAssembly", { skip: noChromium }, async () => {
  const losses = await trainInBrowser("");
  const apart = distance(losses, wanted);
  assert.ok(apart < tolerance, `${apart}: ${losses.at(-1)} against ${wanted.at(-1)}`);
});

test("and on WebGPU", { skip: noWebgpu }, async () => {
  const losses = await trainInBrowser("?provider=webgpu&steps=20"); // in software a step takes a while
  const apart = distance(losses, wanted.slice(0, losses.length));
  assert.equal(losses.length, 20);
  assert.ok(apart < tolerance, `${apart}: ${losses.at(-1)}`);
});

for (const provider of ["wasm", "webgpu"] as const) {
  executorContract(`${provider} in a browser`, (model, where) => browserOpener(contractPage!, provider)(model, where), {
    skip: provider === "wasm" ? noChromium : noWebgpu,
    reference: (model, where) => openExecutor(model, { where, threads: 1 }),
  });
}

/** Opens the example's page and waits until it has trained; answers its losses. */
async function trainInBrowser(query: string): Promise<readonly number[]> {
  const page = await browser!.newPage({ viewport: { width: 760, height: 860 } });
  const words: string[] = [];
  page.on("console", (message) => words.push(message.text()));
  page.on("pageerror", (error) => words.push(error.message));
  page.on("requestfailed", (request) => words.push(`failed: ${request.url()}`));
  await page.goto(served.address(`/examples/tiny-network.html${query}`));
  await page.waitForFunction("globalThis.finished", undefined, { timeout: 300_000 }).catch((error: Error) => {
    throw new Error(`${error.message}\n${words.join("\n")}`);
  });
  const { losses, error } = (await page.evaluate("finished")) as { losses?: number[]; error?: string };
  const screenshot = process.env["ICHOR_SCREENSHOTS"];
  if (screenshot !== undefined) await page.screenshot({ path: join(screenshot, `tiny-network${query.slice(1)}.png`) });
  await page.close();
  assert.equal(error, undefined, words.join("\n"));
  return losses ?? [];
}
