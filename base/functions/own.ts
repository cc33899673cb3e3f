// Names that users give are data: an object used as a table holds what was put into it, and `constructor`, `toString` or
// `__proto__` is no entry of it unless it was.

/** The entry of that name; undefined where the table has none of its own. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** A table to put entries into by any name, `__proto__` among them. */
export function emptyTable<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** Puts an entry into the table, whatever its name. */
export function put<T>(table: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(table, name, { value, configurable: true, enumerable: true, writable: true });
}
