/**
 * A chapter's state in its link, read field by field with a schema in which every field has a default: a damaged link
 * opens what is valid and says what was not. Only what differs from the defaults is written.
 */
import { z } from 'zod';

/** A flat schema; its fields read text (`z.coerce.number()`, `z.enum`, {@link flag}) and have defaults. */
export type LinkSchema = z.ZodObject<Record<string, z.ZodDefault>>;

/** `true` or `false` in a link. */
export const flag = (value: boolean) =>
  z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
    .default(value);

/** A whole number within bounds. */
export const whole = (min: number, max: number, value: number) =>
  z.coerce.number().int().min(min).max(max).default(value);

/** A number within bounds. */
export const real = (min: number, max: number, value: number) =>
  z.coerce.number().min(min).max(max).default(value);

export interface LinkState<S extends LinkSchema> {
  state: z.output<S>;
  /** Names of fields that a link gave and that are not valid; they have their defaults. */
  refused: string[];
}

/** Reads a query; never throws. Fields that the schema does not know are left to others. */
export function readLink<S extends LinkSchema>(schema: S, query: string): LinkState<S> {
  const given = Object.fromEntries(new URLSearchParams(query));
  const refused = Object.keys(schema.shape).filter(
    (name) => name in given && !schema.shape[name]?.safeParse(given[name]).success,
  );
  const valid = Object.entries(given).filter(([name]) => !refused.includes(name));
  return { state: schema.parse(Object.fromEntries(valid)), refused };
}

/** The query with a chapter's state in place of the one it held; what other fields it holds stays. */
export function writeLink<S extends LinkSchema>(
  schema: S,
  state: z.output<S>,
  query: string,
): string {
  const params = new URLSearchParams(query);
  const defaults: Record<string, unknown> = schema.parse({});
  for (const [name, value] of Object.entries(state as Record<string, unknown>)) {
    if (value === defaults[name]) params.delete(name);
    else params.set(name, String(value));
  }
  return params.toString().replaceAll('%2C', ',');
}
