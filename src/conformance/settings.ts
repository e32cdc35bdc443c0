/**
 * The `params` of an op case hold settings and, between them, remarks in words. A remark may be left
 * out only if it states the convention that Fathom follows anyway; every other entry stays, so that
 * the op which does not know it refuses the case.
 */

/** Remarks by key, with what they must say. */
const REMARKS: Record<string, RegExp> = {
  note: /^/,
  layout: /^(x NCHW, weight OIHW, cross-correlation\b|weight \[out, ?in\])/,
  formula: /^y = x\*mask\/\(1-p\)/,
  order: /^zero-pad\b.*\bcrop\b.*\bmirror left-right where flip=1/,
  output: /^\[N, ?C\]$/,
};

export type Settings = { params: Record<string, unknown>; unsupported?: string };

/** The settings among a case's `params`, or the remark that contradicts what Fathom computes. */
export function readSettings(given: Record<string, unknown>): Settings {
  const params: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const remark = REMARKS[key];
    if (remark && typeof value === 'string') {
      if (!remark.test(value)) return { params: given, unsupported: `${key}: "${value}"` };
    } else {
      params[key] = plainValue(key, value);
    }
  }
  return { params };
}

/** A setting without the explanation that may follow it: `none (erf)`, `per channel`. */
function plainValue(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (key === 'affine' && /^(per channel|elementwise)\b/.test(value)) return true;
  return value.replace(/ \(.*\)$/, '');
}
