/**
 * Kernels whose images are stored as f16. A kernel is written for f32; here its text is rewritten so that what it loads from
 * such a binding is widened and what it stores there is rounded:
 *
 *     var<storage, read> x: array<vec4f>;    becomes    var<storage, read> x: array<vec4h>;
 *     … x[i] …                               becomes    … vec4f(x[i]) …
 *     y[i] = value;                          becomes    y[i] = vec4h(value);
 *
 * So nothing is computed in f16, no kernel is written twice, and without f16 the text is as it stands in `shaders/`.
 */
import type { Binding } from '../../ops/op.ts';

/** The elements that a binding may have, and how they are called where they are stored as f16. */
const NARROW: Record<string, string> = { f32: 'f16', vec4f: 'vec4h' };

/** A binding as expanded WGSL declares it, on a line of its own. */
export const DECLARATION = /^@group\(0\) @binding\((\d+)\) (var<[^>]*>) (\w+): (.*);$/;

/**
 * The text of a kernel with these bindings, of which some may be of 16 bits. Such a variable must be an array of f32 or vec4f
 * that is loaded and assigned element by element, and nothing else may bear its name and have an index.
 */
export function narrowed(code: string, bindings: readonly Binding[]): string {
  const elements = new Map<string, string>();
  const lines = code.split('\n').map((line) => {
    const [, number, kind, name = '', type = ''] = DECLARATION.exec(line) ?? [];
    if (!number || !kind || bindings[Number(number)]?.tensor.bits !== 16) return line;
    const element = /^array<(\w+)>$/.exec(type)?.[1] ?? '';
    const narrow = NARROW[element];
    if (!narrow) throw new Error(`${name} is ${type}, which cannot be stored as f16`);
    elements.set(name, element);
    return `@group(0) @binding(${number}) ${kind} ${name}: array<${narrow}>;`;
  });
  return elements.size > 0 ? converted(lines.join('\n'), elements) : code;
}

/** `elements` says by name what each variable's elements are in f32. */
function converted(code: string, elements: ReadonlyMap<string, string>): string {
  const access = new RegExp(`(?<![.\\w])(${[...elements.keys()].join('|')})\\[`, 'g');
  let text = '';
  let done = 0;
  for (let found = access.exec(code); found; found = access.exec(code)) {
    const [, name = ''] = found;
    const wide = elements.get(name) ?? '';
    const end = closing(code, access.lastIndex);
    const place = `${name}[${converted(code.slice(access.lastIndex, end - 1), elements)}]`;
    const [assignment, operator] = /^\s*([-+*/]?)=(?!=)/.exec(code.slice(end)) ?? [];
    if (operator) throw new Error(`${name} is stored as f16 and can only be assigned with "="`);
    text += code.slice(done, found.index);
    if (assignment) {
      const stop = code.indexOf(';', end);
      const value = converted(code.slice(end + assignment.length, stop).trim(), elements);
      text += `${place} = ${NARROW[wide]}(${value})`;
      done = stop;
    } else {
      text += `${wide}(${place})`;
      done = end;
    }
    access.lastIndex = done;
  }
  return text + code.slice(done);
}

/** Where the bracket that was opened before `from` ends. */
function closing(code: string, from: number): number {
  let depth = 1;
  let at = from;
  while (depth > 0 && at < code.length) {
    const character = code[at++];
    if (character === '[') depth++;
    if (character === ']') depth--;
  }
  return at;
}
