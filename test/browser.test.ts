// The example of ichor/autodiff, from the built package: in Node by the package's name, and in headless Chromium.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, chromium } from "playwright-core";
import { distance } from "./graphs.ts";

const root = join(import.meta.dirname, "..");
const executable = "/usr/bin/chromium";
const skip = existsSync(executable) ? false : "chromium is not installed (Debian: apt-get install chromium)";

/** Measured 1e-7; sums may run in another order, and each step carries its roundings into the next. */
const tolerance = 1e-4;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
/** The package as it would be installed: its built form in a folder of its own, whatever a build has left in dist. */
const folder = mkdtempSync(join(tmpdir(), "ichor-package-"));
const server = createServer((request, response) => {
  const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
  const file = join(folder, path);
  if (!existsSync(file)) return response.writeHead(404).end();
  return response.writeHead(200, { "content-type": types[extname(path)] ?? "text/plain" }).end(readFileSync(file));
});

let wanted: readonly number[] = [];
let browser: Browser | undefined;

before(async () => {
  for (const name of ["examples", "package.json"]) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const arguments_ = [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", join(folder, "dist")];
  const built = spawnSync(process.execPath, arguments_, { encoding: "utf8" });
  assert.equal(built.status, 0, built.stdout);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  if (skip === false) browser = await launch();
});

after(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

test("the example trains in Node, by the package's own name", () => {
  const program = `
    const { train } = await import(${JSON.stringify(join(folder, "examples/tiny-network.mjs"))});
    const { losses } = await train({ provider: "cpu" });
    console.log(JSON.stringify(losses));`;
  const flags = ["--input-type=module", "-e", program];
  const run = spawnSync(process.execPath, flags, { encoding: "utf8", cwd: folder });
  assert.equal(run.status, 0, run.stderr);
  wanted = JSON.parse(run.stdout) as number[];
  assert.ok(wanted.at(-1)! < 0.1 * wanted[0]!, `the loss falls: ${wanted[0]} to ${wanted.at(-1)}`);
});

test("a browser page trains with the same code to the same losses, on WebAssembly", { skip }, async () => {
  const losses = await trainInBrowser("");
  const apart = distance(losses, wanted);
  assert.ok(apart < tolerance, `${apart}: ${losses.at(-1)} against ${wanted.at(-1)}`);
});

test("and on WebGPU", { skip }, async (t) => {
  const page = await browser!.newPage();
  await page.goto(address("/examples/tiny-network.mjs")); // any page of the server: WebGPU wants a secure context
  const adapter = await page.evaluate("navigator.gpu?.requestAdapter().then((found) => found !== null)");
  await page.close();
  if (adapter !== true) return t.skip("this Chromium has no WebGPU adapter, not even in software");
  const losses = await trainInBrowser("?provider=webgpu&steps=60"); // in software starting takes half a minute
  const apart = distance(losses, wanted.slice(0, losses.length));
  assert.equal(losses.length, 60);
  assert.ok(apart < tolerance, `${apart}: ${losses.at(-1)}`);
});

const address = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

/** Headless, with WebGPU in software (SwiftShader) where there is no GPU. As root, a sandbox cannot be had. */
const launch = () =>
  chromium.launch({
    executablePath: executable,
    chromiumSandbox: false,
    args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"],
  });

/** Opens the example's page and waits until it has trained; answers its losses. */
async function trainInBrowser(query: string): Promise<readonly number[]> {
  const page = await browser!.newPage({ viewport: { width: 760, height: 860 } });
  const words: string[] = [];
  page.on("console", (message) => words.push(message.text()));
  page.on("pageerror", (error) => words.push(error.message));
  page.on("requestfailed", (request) => words.push(`failed: ${request.url()}`));
  await page.goto(address(`/examples/tiny-network.html${query}`));
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
