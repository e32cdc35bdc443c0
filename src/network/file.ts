/** A network as a JSON file or text that somebody else wrote: read with care, refused in words. */
import type { z } from 'zod';
import { FathomError } from '../errors.ts';
import { networkSpec } from './spec.ts';
import type { NetworkSpec } from './spec.ts';

/** Deeper nesting of blocks is no network that anyone drew; reading it would exhaust the stack. */
const DEEPEST = 48;
/** More layers would stop the page for seconds. */
const MOST_LAYERS = 5000;

/**
 * Reads the text of a file; layers need not fit each other yet.
 *
 * @throws FathomError `network-json`, or `network-file` that says where and why
 */
export function parseNetwork(text: string): NetworkSpec {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FathomError('network-json', `this is no JSON: ${reason}`, { reason });
  }
  return readNetwork(value);
}

/**
 * Reads a value that came as JSON.
 *
 * @throws FathomError `network-file`
 */
export function readNetwork(value: unknown): NetworkSpec {
  checkSize(value);
  const read = networkSpec.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw refusal(issue?.message ?? '', issue ? ruleOf(issue) : {}, issue?.path);
}

/** `layers[2].body[0].kernel` */
const placeOf = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');

/** @param rule that was broken, for the same sentence in other languages: `kind` names it */
function refusal(
  reason: string,
  rule: FathomError['details'],
  path: readonly PropertyKey[] = [],
): FathomError {
  const place = placeOf(path) || 'JSON';
  return new FathomError('network-file', `${place}: ${reason}`, { place, reason, ...rule });
}

/** The rule behind what zod found; nothing where no sentence would say more than zod's own. */
function ruleOf(issue: z.core.$ZodIssue): FathomError['details'] {
  switch (issue.code) {
    case 'invalid_type':
      return { kind: issue.input === undefined ? 'needed' : issue.expected };
    case 'too_small':
      return { kind: 'least', least: Number(issue.minimum) };
    case 'too_big':
      return { kind: 'most', most: Number(issue.maximum) };
    case 'invalid_value':
      return { kind: 'choice', options: issue.values.join(', ') };
    case 'unrecognized_keys':
      return { kind: 'unknown', keys: issue.keys.join(', ') };
    case 'invalid_format':
      return { kind: 'letters' };
    case 'invalid_union':
      return { kind: issue.discriminator === 'type' ? 'layer' : 'value' };
    default:
      return {};
  }
}

/** Walks what was read without recursion. */
function checkSize(value: unknown): void {
  const rest: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let layers = 0;
  for (let next = rest.pop(); next; next = rest.pop()) {
    const { depth } = next;
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (depth > DEEPEST) {
      throw refusal(`nested more than ${DEEPEST} levels deep`, { kind: 'deep', most: DEEPEST });
    }
    if ('type' in next.value && ++layers > MOST_LAYERS) {
      throw refusal(`more than ${MOST_LAYERS} layers`, { kind: 'many', most: MOST_LAYERS });
    }
    for (const child of Object.values(next.value)) rest.push({ value: child, depth: depth + 1 });
  }
}
