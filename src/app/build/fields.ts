/** Forms from the schemas of the op table: which control suits a parameter, and what it may be. */
import type { z } from 'zod';
import { schemaOf } from '../../ops/parameters.ts';
import type { ParameterSchema } from '../../ops/parameters.ts';

export type Field =
  | { kind: 'switch' }
  | { kind: 'choice'; options: readonly string[] }
  | { kind: 'number'; whole: boolean; least: number; most: number }
  /** One of several objects, told apart by the value of `tag`. */
  | { kind: 'variant'; tag: string; variants: readonly Variant[]; nullable: boolean }
  /** What is one of several kinds: a number, several, a word. */
  | { kind: 'text'; words: readonly string[] };

export interface Variant {
  value: string;
  fields: readonly NamedField[];
}

export interface NamedField {
  name: string;
  field: Field;
  /** Undefined where it is required, or stays open. */
  initial: unknown;
  required: boolean;
  /** What it does, as the op says it. */
  sentence: string;
}

/** Numbers without a bound of their own end here. */
const FAR = 1e6;

/** One schema a type of layer: forms are made from it once. */
const made = new WeakMap<z.ZodObject, readonly NamedField[]>();

export function fieldsOf(schema: z.ZodObject): readonly NamedField[] {
  const present = made.get(schema);
  if (present) return present;
  const fields = fieldsIn(schemaOf(schema));
  made.set(schema, fields);
  return fields;
}

const fieldsIn = (
  { properties = {}, required = [] }: ParameterSchema,
  tag?: string,
): NamedField[] =>
  Object.entries(properties)
    .filter(([name]) => name !== tag)
    .map(([name, json]) => ({
      name,
      field: fieldOf(json),
      initial: json.default,
      required: required.includes(name),
      sentence: json.description ?? '',
    }));

function fieldOf(json: ParameterSchema): Field {
  if (json.type === 'boolean') return { kind: 'switch' };
  if (json.enum) return { kind: 'choice', options: json.enum.map(String) };
  if (json.type === 'integer' || json.type === 'number') {
    const { minimum, exclusiveMinimum, maximum = FAR } = json;
    const least = minimum ?? exclusiveMinimum ?? -FAR;
    return {
      kind: 'number',
      whole: json.type === 'integer',
      least: Math.max(-FAR, least),
      most: Math.min(FAR, maximum),
    };
  }
  const branches = (json.anyOf ?? json.oneOf ?? []).flatMap((branch) => branch.oneOf ?? [branch]);
  const objects = branches.filter(({ properties }) => properties);
  const tag = Object.entries(objects[0]?.properties ?? {}).find(
    ([, { const: value }]) => value !== undefined,
  )?.[0];
  if (tag !== undefined) {
    const variants = objects.map((object) => ({
      value: String(object.properties?.[tag]?.const),
      fields: fieldsIn(object, tag),
    }));
    const nullable = branches.some(({ type }) => type === 'null');
    return { kind: 'variant', tag, variants, nullable };
  }
  return { kind: 'text', words: branches.flatMap(({ enum: words = [] }) => words.map(String)) };
}

/** What was typed, as a value: `3`, `3×5`, `0 0 1 1`, `same`; nothing where nothing was. */
export function parseText(text: string): unknown {
  const parts = text.split(/[\s,;×x]+/).filter((part) => part !== '');
  if (parts.length === 0) return undefined;
  const numbers = parts.map(Number);
  if (numbers.some(Number.isNaN)) return text.trim();
  return numbers.length === 1 ? numbers[0] : numbers;
}

export function formatText(value: unknown): string {
  if (Array.isArray(value)) return value.join(' × ');
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

/** Why a value is refused; null where it is taken. */
export function refusalOf(schema: z.ZodObject, name: string, value: unknown): string | null {
  const field = schema.shape[name] as z.ZodType | undefined;
  const read = field?.safeParse(value);
  return read && !read.success ? (read.error.issues[0]?.message ?? '') : null;
}
