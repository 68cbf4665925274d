import { type Html, html } from "./html.ts";

/** A JSON Schema as the description has it. */
export type Schema = Record<string, unknown>;

/** Deeper than any object of ours. */
const DEEPEST = 8;

/** What a value may be, for reading: a line, and below it the fields of an object. */
export function renderSchema(schema: Schema, depth = 0): Html {
  if (depth > DEEPEST) return html`…`;
  const note = text(schema.description);
  return html`${nameOf(schema, depth)}${limitsOf(schema)}${note && html` <span>${note}</span>`}${fieldsOf(schema, depth)}`;
}

function nameOf(schema: Schema, depth: number): Html {
  const reference = text(schema.$ref)?.split("/").at(-1);
  if (reference !== undefined) return html`<a href="#schema-${reference}">${reference}</a>`;
  const alternatives = list(schema.anyOf) ?? list(schema.oneOf) ?? list(schema.allOf);
  if (alternatives) {
    const word = schema.allOf === undefined ? "one of" : "all of";
    return html`${word}<ul>${alternatives.map((one) => html`<li>${renderSchema(one, depth + 1)}</li>`)}</ul>`;
  }
  if (Array.isArray(schema.enum)) return html`<code>${schema.enum.map(quote).join(" | ")}</code>`;
  if ("const" in schema) return html`<code>${quote(schema.const)}</code>`;
  const items = schemaOf(schema.items);
  if (items) return html`list of ${renderSchema(items, depth + 1)}`;
  const type = Array.isArray(schema.type) ? schema.type.map(String).join(" or ") : text(schema.type);
  return html`<code>${type ?? "anything"}</code>`;
}

const LIMITS: [string, string][] = [
  ["format", ""],
  ["minLength", "at least so long: "],
  ["maxLength", "at most so long: "],
  ["minimum", "from "],
  ["maximum", "to "],
  ["minItems", "at least so many: "],
  ["maxItems", "at most so many: "],
  ["pattern", "like "],
  ["default", "unless told "],
];

function limitsOf(schema: Schema): Html[] {
  const known = LIMITS.flatMap(([key, word]) =>
    schema[key] === undefined
      ? []
      : [`${word}${key === "default" ? quote(schema[key]) : String(schema[key])}`],
  );
  return known.length === 0 ? [] : [html` <small>(${known.join(", ")})</small>`];
}

function fieldsOf(schema: Schema, depth: number): Html[] {
  const properties = schemaOf(schema.properties);
  if (!properties || Object.keys(properties).length === 0) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const rows = Object.entries(properties).map(([name, its]) => {
    const field = schemaOf(its) ?? {};
    const word = required.has(name) ? html`<span class="needed">${name}</span>` : html`${name}?`;
    return html`<tr><th><code>${word}</code></th><td>${renderSchema(field, depth + 1)}</td></tr>`;
  });
  return [html`<table>${rows}</table>`];
}

export function schemaOf(value: unknown): Schema | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

function list(value: unknown): Schema[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.map(schemaOf).filter((one) => one !== undefined);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
