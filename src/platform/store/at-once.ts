/**
 * What all of these statements of a transaction give: sent together, where each in its turn would wait for whatever else
 * the process does. Over when all are over, well or not: nothing may be on its way when the transaction ends.
 * @throws what the first of those that failed threw
 */
export async function atOnce<T>(statements: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(statements);
  return await Promise.all(statements);
}
