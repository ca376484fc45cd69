/** Markup that is safe to stand in a page: text in it has been escaped. */
export interface Markup {
  readonly kind: "markup";
  readonly text: string;
}

/** What may stand in a template: text, which is escaped, and markup, which is not. */
export type Part = string | number | Markup | readonly Part[];

/** A template of HTML: html`<p>${text}</p>` escapes the text, for contents and for quoted attributes alike. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = literals.reduce((before, literal, index) => before + render(parts[index - 1]!) + literal);
  return { kind: "markup", text };
}

/** Markup from elsewhere that needs no escaping: a figure of our own, never a text from data. */
export function trusted(text: string): Markup {
  return { kind: "markup", text };
}

function render(part: Part): string {
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escapeText(part);
  return "kind" in part ? part.text : part.map(render).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text without any character that means something in HTML. */
function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
