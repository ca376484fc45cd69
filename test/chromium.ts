// The built package in headless Chromium: a server of its files, a browser, and executors that run over there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { Problem, Shaped, TensorData } from "../src/base/index.ts";
import { encodeModel } from "../src/onnx/index.ts";
import { executors } from "../src/runtime/index.ts";
import type { Opener } from "./contract/executor.ts";

const root = join(import.meta.dirname, "..");
const executable = "/usr/bin/chromium";

/** Why there is no browser, or false. */
export const noChromium = existsSync(executable)
  ? false
  : "chromium is not installed (Debian: apt-get install chromium)";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** Builds the package into a folder of its own, as it would be installed, and serves it. */
export async function servePackage() {
  const folder = mkdtempSync(join(tmpdir(), "ichor-package-"));
  for (const name of ["examples", "package.json"]) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const words = [compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", join(folder, "dist")];
  const built = spawnSync(process.execPath, words, { encoding: "utf8" });
  assert.equal(built.status, 0, built.stdout);
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = join(folder, path);
    const bytes = path === "/examples/contract.html" ? contractPage : existsSync(file) ? readFileSync(file) : undefined;
    if (bytes === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": types[extname(path)] ?? "text/plain" }).end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    folder,
    address: (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    close() {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Headless, with WebGPU in software (SwiftShader) where there is no GPU. As root, a sandbox cannot be had. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: executable,
    chromiumSandbox: false,
    args: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"],
  });

/** A page without anything but the package, through the example's import map, and ways to run graphs in it. */
const contractPage = `<!doctype html>${/<script type="importmap">.*?<\/script>/s.exec(
  readFileSync(join(root, "examples/tiny-network.html"), "utf8"),
)}<script type="module">
  import { openExecutor } from "ichor/autodiff";
  const arrays = { Float32Array, Float64Array, Int32Array, BigInt64Array, Uint8Array, Int16Array };
  const fromText = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const toText = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const opened = [];
  globalThis.remote = {
    async open({ model, where, provider }) {
      const result = await openExecutor(fromText(model), { where, provider });
      if (result.kind === "problem") return result;
      const { inputs, outputs } = result.value;
      return { id: opened.push(result.value) - 1, inputs, outputs };
    },
    async run({ id, feeds }) {
      const given = feeds.map(([name, { kind, bytes, shape }]) => [name, { data: new arrays[kind](fromText(bytes).buffer), shape }]);
      const answers = await opened[id].run(Object.fromEntries(given));
      return Object.entries(answers).map(([name, { data, shape }]) => {
        const bytes = toText(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        return [name, { kind: data.constructor.name, bytes, shape }];
      });
    },
    close: ({ id }) => opened[id].close(),
  };
</script>`;

interface Sent {
  readonly kind: string;
  readonly bytes: string;
  readonly shape: readonly number[];
}

const arrays = { Float32Array, Float64Array, Int32Array, BigInt64Array, Uint8Array, Int16Array } as const;

function send({ data, shape }: Shaped): Sent {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return { kind: data.constructor.name, bytes, shape };
}

function receive({ kind, bytes, shape }: Sent): Shaped<TensorData> {
  const buffer = new Uint8Array(Buffer.from(bytes, "base64")).buffer;
  return { data: new arrays[kind as keyof typeof arrays](buffer), shape };
}

type Opened =
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: undefined; readonly id: number; readonly inputs: string[]; readonly outputs: string[] };

/** Opens executors of a provider in a page of the browser (`/examples/contract.html`). */
export function browserOpener(page: Page, provider: "wasm" | "webgpu"): Opener {
  const call = (name: string, argument: unknown): Promise<unknown> =>
    page.evaluate(`globalThis.remote.${name}(${JSON.stringify(argument)})`);
  return async (model, where) => {
    const graph = (original: typeof model) => {
      if (original instanceof Uint8Array) return original;
      const fitted = provider === "webgpu" ? executors.webgpu.fit(original.graph) : original.graph;
      return encodeModel({ ...original, graph: fitted });
    };
    const bytes = Buffer.from(graph(model)).toString("base64");
    const opened = (await call("open", { model: bytes, where, provider })) as Opened;
    if (opened.kind === "problem") return opened;
    const { id, inputs, outputs } = opened;
    return {
      kind: "ok",
      value: {
        inputs,
        outputs,
        async run(feeds) {
          const sent = Object.entries(feeds).map(([name, value]) => [name, send(value)]);
          const answers = (await call("run", { id, feeds: sent })) as [string, Sent][];
          return Object.fromEntries(answers.map(([name, value]) => [name, receive(value)]));
        },
        close: async () => void (await call("close", { id })),
      },
    };
  };
}
