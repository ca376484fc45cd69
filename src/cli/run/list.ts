import { ok } from "../../base/index.ts";
import type { CommonFlags, Context } from "../context.ts";
import { columns, show } from "../output.ts";
import type { Registry } from "./list-names.ts";

interface Row {
  readonly name: string;
  readonly summary: string;
}

const named = (table: Readonly<Record<string, { readonly summary: string }>>): Row[] =>
  Object.entries(table).map(([name, { summary }]) => ({ name, summary }));

/** Each registry is read where it stands, and only when it is asked for. */
const readers: Readonly<Record<Registry, (context: Context) => Promise<readonly Row[]>>> = {
  commands: async ({ commands }) => commands,
  models: async () => named((await import("../../models/index.ts")).models),
  metrics: async () => named((await import("../../metrics/index.ts")).metrics),
  codecs: async () => {
    const { codecs, loadCodecs, nameTransferSyntax } = await import("../../dicom/index.ts");
    await loadCodecs();
    return Object.entries(codecs).map(([uid, row]) => {
      const decoders = row.codecs.map((codec) => {
        const state = codec.availability();
        return `${codec.from}${state.kind === "ready" ? "" : ` (${state.kind})`}`;
      });
      return {
        name: nameTransferSyntax(uid),
        summary: `${row.summary} (${row.lossy}), by ${decoders.join(", else ")}`,
      };
    });
  },
  gradients: async () => {
    const { gradients } = await import("../../autodiff/index.ts");
    return Object.keys(gradients).map((name) => ({ name, summary: "operator with a gradient rule" }));
  },
};

/** `ichor list`. */
export async function runList(this: Context, flags: CommonFlags, what: Registry): Promise<void> {
  const rows = await readers[what](this);
  show(this, ok(rows), { flags, text: () => columns(rows.map(({ name, summary }) => [name, summary])) });
}
