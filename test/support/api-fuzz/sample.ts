import { asSchema, asSchemas, type Schema } from "./description.ts";
import type { Dice } from "./dice.ts";

export interface Sampling {
  dice: Dice;
  resolve: (schema: Schema) => Schema;
  /** A value for a field that only those who know the system can fill in. */
  known: (name: string, schema: Schema) => unknown;
}

/** A value that fits the schema as far as the schema says. */
export function sample(given: Schema, name: string, how: Sampling): unknown {
  const { dice, resolve, known } = how;
  const schema = resolve(given);
  const told = schema.type === "string" ? known(name, schema) : undefined;
  if (told !== undefined) return told;
  const alternatives = [...asSchemas(schema.anyOf), ...asSchemas(schema.oneOf)];
  if (alternatives.length > 0) return sample(dice.of(alternatives), name, how);
  if (Array.isArray(schema.enum)) return dice.of(schema.enum);
  if ("const" in schema) return schema.const;
  if (schema.example !== undefined) return schema.example;
  const type = Array.isArray(schema.type) ? dice.of(schema.type) : schema.type;
  switch (type) {
    case "object":
      return sampleObject(schema, how);
    case "array": {
      const items = asSchema(schema.items) ?? {};
      return Array.from({ length: 1 + dice.below(2) }, () => sample(items, name, how));
    }
    case "integer":
    case "number":
      return number(schema.minimum, 1) + dice.below(Math.min(number(schema.maximum, 10), 10));
    case "boolean":
      return dice.chance(0.5);
    case "null":
      return null;
    default:
      return text(schema, name, dice);
  }
}

function sampleObject(schema: Schema, how: Sampling): Record<string, unknown> {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const fields = Object.entries(asSchema(schema.properties) ?? {}).flatMap(([name, its]) => {
    if (!required.has(name) && how.dice.chance(0.4)) return [];
    return [[name, sample(asSchema(its) ?? {}, name, how)] as const];
  });
  return Object.fromEntries(fields);
}

function text(schema: Schema, name: string, dice: Dice): string {
  if (schema.format === "uuid") return crypto.randomUUID();
  if (schema.format === "date-time") return new Date(Date.UTC(2027, dice.below(12))).toISOString();
  if (schema.format === "email" || name === "email") return `fuzz-${dice.below(1000)}@example.com`;
  return `fuzz-${dice.below(1000)}`;
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" && Math.abs(value) < 1e9 ? value : otherwise;
}
