/** Parts of a command may be given as they are, as a promise, or as a function that loads them when they are wanted. */
export async function resolve<T>(value: T | Promise<T> | (() => T | Promise<T>)): Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}
