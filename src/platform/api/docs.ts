import { z } from "@hono/zod-openapi";
import type { Description } from "./description.ts";
import { renderPage } from "./docs/page.ts";
import { PAGE_HEADERS } from "./docs/style.ts";
import { answers, htmlAnswer } from "./fields.ts";
import { declareRoute, routes } from "./route.ts";

const json = declareRoute(["anyone"], {
  method: "get",
  path: "/api/docs/json",
  summary: "Read this API as OpenAPI 3.1",
  responses: answers(z.record(z.string(), z.unknown()), "This API as OpenAPI 3.1"),
});

const page = declareRoute(["anyone"], {
  method: "get",
  path: "/api/docs",
  summary: "Read this API as a page",
  responses: htmlAnswer("This API as a page"),
});

/** The API about itself. */
export function docsRoutes(describe: () => Description) {
  let rendered: { of: Description; html: string } | undefined;
  return routes()
    .openapi(json, (c) => {
      const document: Record<string, unknown> = { ...describe() };
      return c.json(document, 200);
    })
    .openapi(page, (c) => {
      const description = describe();
      if (rendered?.of !== description) rendered = { of: description, html: renderPage(description) };
      return c.body(rendered.html, 200, PAGE_HEADERS);
    });
}
