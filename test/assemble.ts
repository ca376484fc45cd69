// WebAssembly from its text: `npm run wasm` writes src/ROOM/NAME.wasm.ts of each src/ROOM/NAME.wat.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import openWabt from "wabt";

const sources = join(import.meta.dirname, "../src");

/** Each `.wat` under src: where its module goes, and what that holds. */
export async function assembleAll(): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const texts = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".wat"));
  return Promise.all(
    texts.sort().map(async (path) => {
      const name = basename(path, ".wat");
      const bytes = await assemble(path, readFileSync(join(sources, path), "utf8"));
      const text = [
        `// Made of ${name}.wat by \`npm run wasm\`.`,
        `/** ${name}.wat as WebAssembly, base64. */`,
        `export const ${camelCase(name)}Wasm =\n  "${Buffer.from(bytes).toString("base64")}";`,
      ];
      return { path: join(sources, path.replace(/\.wat$/, ".wasm.ts")), text: `${text.join("\n")}\n` };
    }),
  );
}

/** The bytes of a module. Throws what is wrong, with line and column of the file. */
export async function assemble(path: string, text: string): Promise<Uint8Array> {
  const wabt = await openWabt();
  const module = wabt.parseWat(path, text, { simd: true, bulk_memory: true, sat_float_to_int: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const { path, text } of await assembleAll()) writeFileSync(path, text);
}
