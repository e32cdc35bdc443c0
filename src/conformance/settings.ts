/**
 * From the words of an op case to Fathom's.
 *
 * Its `params` hold settings and, between them, remarks. A remark may be left out only if it states the
 * convention that Fathom follows anyway; every other entry stays, so that the op which does not know it
 * refuses the case. Some settings and inputs have other names here.
 */
import type { Tensors } from '../reference/tensor.ts';

/** Remarks by key, with what they must say. */
const REMARKS: Record<string, RegExp> = {
  note: /^/,
  layout: /^(x NCHW, weight OIHW, cross-correlation\b|weight \[out, ?in\])/,
  formula: /^y = x\*mask\b/,
  order: /^zero-pad\b.*\bcrop\b.*\bmirror left-right where flip=1/,
  output: /^\[N, ?C\]$/,
};

export type Settings = { params: Record<string, unknown>; unsupported?: string };

/** Ops whose γ and β the cases call by these names, and Fathom as torch.nn.functional does. */
const NORMS = ['batch_norm', 'layer_norm', 'instance_norm', 'group_norm'];
const AFFINE: Record<string, string> = { gamma: 'weight', beta: 'bias' };
/** A keep probability would be ambiguous: `p` is PyTorch's, the one to drop. */
const DROPOUT = ['dropout', 'dropout2d'];

/** The settings among the `params` of a case of this op, or the remark that contradicts what Fathom computes. */
export function readSettings(op: string, given: Record<string, unknown>): Settings {
  const params: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const remark = REMARKS[key];
    if (remark && typeof value === 'string') {
      if (!remark.test(value)) return { params: given, unsupported: `${key}: "${value}"` };
      if (key === 'formula' && !value.includes('mask/(1-p)')) params.mode = 'vanilla';
    } else {
      params[DROPOUT.includes(op) && key === 'p' ? 'drop_probability' : key] = plainValue(
        key,
        value,
      );
    }
  }
  return { params };
}

/** Inputs or gradients of a case of this op, by Fathom's names. */
export function renameTensors(op: string, tensors: Tensors): Tensors {
  if (!NORMS.includes(op)) return tensors;
  return Object.fromEntries(
    Object.entries(tensors).map(([name, value]) => [AFFINE[name] ?? name, value]),
  );
}

/** A setting without the explanation that may follow it: `none (erf)`, `per channel`. */
function plainValue(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (key === 'affine' && /^(per channel|elementwise)\b/.test(value)) return true;
  return value.replace(/ \(.*\)$/, '');
}
