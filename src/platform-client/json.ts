/** The parsed text, or undefined when it is no JSON: what it holds is for a schema to say. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
