/**
 * One step of the schema: forward only, never changed once released. Ids are UUID texts, times RFC 3339 texts, truth
 * values 0 and 1, sealed and binary values base64.
 */
export interface Migration {
  name: string;
  /** Words that SQLite and PostgreSQL both understand. */
  statements: string[];
}
