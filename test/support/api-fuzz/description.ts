import { z } from "zod";

export type Schema = Record<string, unknown>;

const schema = z.record(z.string(), z.unknown());
const operation = z.object({
  "x-access": z.array(z.string()),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(["path", "query", "header", "cookie"]), schema }))
    .default([]),
  requestBody: z
    .object({ content: z.record(z.string(), z.object({ schema: schema.optional() })) })
    .optional(),
});
const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schema).default({}) }),
});

/** A route as its own description has it. */
export interface FuzzedRoute {
  method: string;
  path: string;
  access: string[];
  parameters: { name: string; in: string; schema: Schema }[];
  body: Schema | undefined;
}

/** Every route, with references in its schemas resolved by `resolve`. */
export function readDescription(description: unknown): {
  routes: FuzzedRoute[];
  resolve: (schema: Schema) => Schema;
} {
  const { paths, components } = document.parse(description);
  const resolve = (given: Schema): Schema => {
    const name = typeof given.$ref === "string" ? given.$ref.split("/").at(-1) : undefined;
    return name === undefined ? given : resolve(components.schemas[name] ?? {});
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, its]) => ({
      method: method.toUpperCase(),
      path,
      access: its["x-access"],
      parameters: its.parameters,
      body: its.requestBody?.content["application/json"]?.schema,
    })),
  );
  return { routes, resolve };
}

export function asSchema(value: unknown): Schema | undefined {
  return schema.safeParse(value).data;
}

export function asSchemas(value: unknown): Schema[] {
  return z.array(schema).safeParse(value).data ?? [];
}
