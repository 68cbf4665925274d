import { z } from "zod";
import type { Description } from "../description.ts";
import { Html, html } from "./html.ts";
import { renderSchema, schemaOf } from "./schema.ts";
import { STYLE } from "./style.ts";

const content = z.record(z.string(), z.object({ schema: z.unknown() })).optional();

/** The part of an operation that the page shows. */
const operation = z.object({
  summary: z.string(),
  tags: z.array(z.string()),
  "x-access": z.array(z.string()),
  "x-right": z.string().optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        schema: z.unknown(),
      }),
    )
    .default([]),
  requestBody: z.object({ required: z.boolean().optional(), content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content })),
});

const document = z.object({
  info: z.object({ title: z.string(), version: z.string() }),
  servers: z.array(z.object({ url: z.string() })).default([]),
  tags: z.array(z.object({ name: z.string(), description: z.string().optional() })).default([]),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }),
});

type Operation = z.infer<typeof operation>;

/** The whole description as one page: no script, no other file. */
export function renderPage(description: Description): string {
  const { info, servers, tags, paths, components } = document.parse(description);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, its]) => ({ path, method: method.toUpperCase(), its })),
  );
  const groups = tags.map(({ name, description: about }) => {
    const own = operations.filter(({ its }) => its.tags.includes(name));
    return html`<h2 id="${anchor(name)}">${name}</h2><p>${about}</p>${own.map(renderOperation)}`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      html`<details id="schema-${name}" open><summary><code>${name}</code></summary><div>${renderSchema(schemaOf(schema) ?? {})}</div></details>`,
  );
  const title = `${info.title} ${info.version}: API`;
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE_TEXT}</style></head>
<body>
<nav><strong>${info.title}</strong>${tags.map(({ name }) => html`<a href="#${anchor(name)}">${name}</a>`)}<a href="#schemas">Schemas</a><a href="/api/docs/json">OpenAPI 3.1</a></nav>
<main>
<h1>${title}</h1>
<p>Requests and answers are JSON, below <code>${servers[0]?.url}</code>. Who calls is said by <code>Authorization: Bearer &lt;token&gt;</code>, of a browser by its session cookie. Every refusal is one <a href="#schema-Refusal">envelope</a> with a stable <code>code</code>, a sentence for people, and the <code>reqId</code> that the platform's log knows it by.</p>
${groups}
<h2 id="schemas">Schemas</h2>
${schemas}
</main>
</body>
</html>
`.text;
}

/** Its hash is in the page's policy, so it goes in as it is. */
const STYLE_TEXT = new Html(STYLE);

function renderOperation({ path, method, its }: { path: string; method: string; its: Operation }): Html {
  const { summary, parameters, requestBody, responses } = its;
  const [answer, ...refusals] = Object.entries(responses);
  return html`<details><summary><span class="method">${method}</span><code>${path}</code><span class="summary">${summary}</span></summary><div>
<h3>Who may</h3>${whoMay(its)}
${parameters.length > 0 ? html`<h3>Parameters</h3><table>${parameters.map(renderParameter)}</table>` : undefined}
${requestBody ? html`<h3>Body${requestBody.required ? "" : " (may be left out)"}</h3>${renderContent(requestBody.content)}` : undefined}
${answer ? html`<h3>Answer ${answer[0]}</h3><p>${answer[1].description}</p>${renderContent(answer[1].content)}` : undefined}
<h3>Refusals</h3><table>${refusals.map(([status, { description }]) => html`<tr><th>${status}</th><td>${description}</td></tr>`)}</table>
</div></details>`;
}

const CALLERS: Record<string, string> = {
  anyone: "anybody",
  person: "people",
  identity: "machine identities",
  gateway: "gateways",
  relay: "relays",
  "relay-secret": "instance relays with the shared secret",
  superseded: "gateways and relays that were revoked",
};

function whoMay(its: Operation): Html {
  const right = its["x-right"];
  const who = its["x-access"].map((kind) => CALLERS[kind] ?? kind).join(", ");
  if (right === undefined || right === "self") return html`<p>${who}</p>`;
  if (right === "instance-administrator") return html`<p>${who}, who administer the instance</p>`;
  return html`<p>${who}; people and machine identities need the right <code>${right}</code></p>`;
}

function renderParameter(parameter: Operation["parameters"][number]): Html {
  const { name, required, schema } = parameter;
  const word = required ? html`<span class="needed">${name}</span>` : html`${name}?`;
  return html`<tr><th><code>${word}</code></th><td>in the ${parameter.in}: ${renderSchema(schemaOf(schema) ?? {})}</td></tr>`;
}

function renderContent(bodies: z.infer<typeof content>): Html[] {
  return Object.entries(bodies ?? {}).map(([type, { schema }]) =>
    type === "application/json"
      ? html`${renderSchema(schemaOf(schema) ?? {})}`
      : html`<p><code>${type}</code></p>${renderSchema(schemaOf(schema) ?? {})}`,
  );
}

function anchor(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}
