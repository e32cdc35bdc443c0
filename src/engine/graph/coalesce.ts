/**
 * Neighbouring dispatches that do not need each other's results run as one: a dispatch costs the same however small it
 * is, and the workgroups of one kernel fill the gaps that another leaves. In a backward pass these are
 * the two gradients of a convolution, and the small sums over their partial results.
 */
import { grid } from '../../ops/op.ts';
import type { Binding } from '../../ops/op.ts';
import type { Tuning } from '../../ops/tuning.ts';
import { DECLARATION } from '../gpu/narrow.ts';
import { sectionOf } from '../gpu/kernels.ts';
import type { Dispatch } from './lower.ts';

/** Storage buffers, and uniform buffers, that every WebGPU device binds at once. */
const STORAGE_BUFFERS = 8;
const UNIFORM_BUFFERS = 12;

/**
 * @param together as {@link Tuning} has it
 * @param storageBuffers how many of them the device binds at once
 */
export function coalesce(
  dispatches: readonly Dispatch[],
  together: Tuning['together'] = 'all',
  storageBuffers = STORAGE_BUFFERS,
): Dispatch[] {
  if (together === 'none') return [...dispatches];
  const groups: Part[][] = [];
  const alone = ({ dispatch }: Part) => together === 'sums' && dispatch.shader.startsWith('conv2d');
  for (const part of dispatches.map(read)) {
    const group = groups.at(-1);
    const apart = !group || alone(part) || group.some(alone);
    if (!apart && mayJoin(group, part, storageBuffers)) group.push(part);
    else groups.push([part]);
  }
  return groups.map(combine);
}

/** A dispatch, its WGSL and the variables that it declares in the order of its bindings. */
interface Part {
  dispatch: Dispatch;
  code: string;
  variables: Variable[];
}

interface Variable {
  /** `var<storage, read>` */
  kind: string;
  name: string;
  type: string;
  binding: Binding;
}

/** An array in the memory of a workgroup, of which a kernel has only its own. */
interface WorkgroupArray {
  name: string;
  type: string;
  length: number;
}

const WORKGROUP_ARRAY = /^var<workgroup> (\w+): array<(\w+), (\d+)>;$/;
const ENTRY = /@compute @workgroup_size\(\w+\)\s*fn (\w+)\(([^{]*?)\)\s*\{/;
const MODULE_SCOPE = /^(?:const|fn|struct|alias|var(?:<[^>]*>)?) ?(\w+)/;

function read(dispatch: Dispatch): Part {
  const { shader, entry, bindings } = dispatch;
  const code = sectionOf(dispatch);
  const variables = code.split('\n').flatMap((line) => {
    const [, number, kind, name, type] = DECLARATION.exec(line) ?? [];
    if (!number || !kind || !name || !type) return [];
    const binding = bindings[Number(number)];
    if (!binding) throw new Error(`${entry} of shaders/${shader}.wgsl has no binding ${number}`);
    return [{ kind, name, type, binding }];
  });
  return { dispatch, code, variables };
}

const isWrite = ({ access }: Binding): boolean => access === 'write' || access === 'update';

/** Parts may share a variable that both only read, as the same type. */
const isSame = (a: Variable, b: Variable): boolean =>
  a.binding.access === 'read' &&
  b.binding.access === 'read' &&
  a.binding.tensor === b.binding.tensor &&
  a.type === b.type;

function mayJoin(group: readonly Part[], next: Part, storageBuffers: number): boolean {
  const bindings = group.flatMap(({ dispatch }) => dispatch.bindings);
  if (group[0]?.dispatch.phase !== next.dispatch.phase) return false;
  const writes = new Set(bindings.filter(isWrite).map(({ tensor }) => tensor));
  const touched = new Set(bindings.map(({ tensor }) => tensor));
  const independent = next.dispatch.bindings.every((binding) =>
    isWrite(binding) ? !touched.has(binding.tensor) : !writes.has(binding.tensor),
  );
  if (!independent) return false;
  const variables = [...group, next].flatMap((part) => part.variables);
  const uniforms = variables.filter(({ binding }) => binding.access === 'uniform');
  const storage = variables.filter(({ binding }) => binding.access !== 'uniform');
  const bound = storage.filter((a, k) => storage.findIndex((b) => a === b || isSame(a, b)) === k);
  return bound.length <= storageBuffers && uniforms.length <= UNIFORM_BUFFERS;
}

function combine(group: readonly Part[]): Dispatch {
  const dispatches = group.map(({ dispatch }) => dispatch);
  const [first] = dispatches;
  const last = dispatches.at(-1);
  if (!first || !last) throw new Error('a group of dispatches is never empty');
  if (first === last) return first;
  const count = dispatches.reduce((sum, { workgroups: [x, y, z] }) => sum + x * y * z, 0);
  return {
    // Attributed to the layer that comes last, so that in training each layer still has a dispatch of its own.
    phase: last.phase,
    path: last.path,
    shader: [...new Set(dispatches.map(({ shader }) => shader))].join('+'),
    entry: dispatches.map(({ entry }) => entry).join('+'),
    constants: {},
    ...merge(group),
    workgroups: grid(count),
    flops: dispatches.reduce((sum, { flops = 0 }) => sum + flops, 0),
  };
}

/** What a part of a combined kernel knows in place of the builtin values of a dispatch of its own. */
const BUILTINS: Record<string, string> = {
  global_invocation_id: 'vec3u(group.x * 64u + lane, group.y, group.z)',
  workgroup_id: 'group',
  local_invocation_index: 'lane',
  num_workgroups: 'groups',
  subgroup_invocation_id: 'subgroup_lane',
};

/** One kernel whose first workgroups do the work of the first part, the next ones that of the second, and so on. */
function merge(group: readonly Part[]): { text: string; bindings: Binding[] } {
  const bound: Variable[] = [];
  const arrays: WorkgroupArray[] = [];
  const texts: string[] = [];
  const branches: string[] = [];
  let before = 0;
  group.forEach((part, k) => {
    const { text, call } = inlined(part, k, bound, arrays);
    const [x, y, z] = part.dispatch.workgroups;
    texts.push(text);
    branches.push(`if (index < ${String(before + x * y * z)}u) {
    let groups = vec3u(${[x, y, z].map((n) => `${String(n)}u`).join(', ')});
    let own = index - ${String(before)}u;
    let group = vec3u(own % groups.x, own / groups.x % groups.y, own / (groups.x * groups.y));
    ${call};
  }`);
    before += x * y * z;
  });
  // Only a device with the feature `subgroups` knows that builtin.
  const subgroups = group.some(({ code }) => code.includes('@builtin(subgroup_invocation_id)'));
  const main = `@compute @workgroup_size(64)
fn together(@builtin(workgroup_id) at: vec3u, @builtin(num_workgroups) all: vec3u, @builtin(local_invocation_index) lane: u32${subgroups ? ', @builtin(subgroup_invocation_id) subgroup_lane: u32' : ''}) {
  let index = at.y * all.x + at.x;
  ${branches.join(' else ')}
}`;
  const declarations = bound.map(
    ({ kind, name, type }, k) => `@group(0) @binding(${String(k)}) ${kind} ${name}: ${type};`,
  );
  const memory = arrays.map(
    ({ name, type, length }) => `var<workgroup> ${name}: array<${type}, ${String(length)}>;`,
  );
  return {
    text: [...declarations, ...memory, ...texts, main].join('\n'),
    bindings: bound.map(({ binding }) => binding),
  };
}

/**
 * A part as a function among others in one module, and the call of it. Adds the variables it needs to those bound, and
 * its arrays in workgroup memory to those of the parts before: a workgroup runs one part only, so they take the same.
 */
function inlined(
  { dispatch, code, variables }: Part,
  k: number,
  bound: Variable[],
  arrays: WorkgroupArray[],
): { text: string; call: string } {
  const names = new Map<string, string>();
  const lines = code.split('\n').filter((line) => !DECLARATION.test(line));
  const body = lines.filter((line) => !WORKGROUP_ARRAY.test(line));
  for (const [name, array] of sharedArrays(lines, arrays)) names.set(name, array);
  for (const line of body) {
    const name = MODULE_SCOPE.exec(line)?.[1];
    if (name) names.set(name, `${name}_part${String(k)}`);
  }
  for (const variable of variables) {
    const earlier = bound.find((other) => isSame(other, variable));
    const name = earlier?.name ?? `${variable.name}_part${String(k)}`;
    names.set(variable.name, name);
    if (!earlier) bound.push({ ...variable, name, type: rename(variable.type, names) });
  }
  const text = rename(body.join('\n'), names);
  const [head, entry, parameters = ''] = ENTRY.exec(text) ?? [];
  const { INVOCATIONS = 64 } = dispatch.constants;
  if (!head || !entry || INVOCATIONS !== 64)
    throw new Error(`${dispatch.entry} is not a kernel of 64 invocations`);
  const builtins = [...parameters.matchAll(/@builtin\((\w+)\) (\w+: \w+)/g)];
  const values = builtins.map(([, builtin = '']) => {
    const value = BUILTINS[builtin];
    if (!value)
      throw new Error(`${dispatch.entry} takes ${builtin}, which joined kernels do not have`);
    return value;
  });
  return {
    text: text.replace(head, `fn ${entry}(${builtins.map(([, , p]) => p).join(', ')}) {`),
    call: `${entry}(${values.join(', ')})`,
  };
}

/** What a part calls its arrays in workgroup memory, with the arrays that they are among those of all parts. */
function sharedArrays(lines: readonly string[], arrays: WorkgroupArray[]): [string, string][] {
  const own = lines
    .flatMap((line) => {
      const [, name, type, length] = WORKGROUP_ARRAY.exec(line) ?? [];
      return name && type ? [{ name, type, length: Number(length) }] : [];
    })
    .toSorted((a, b) => b.length - a.length);
  const taken = new Set<WorkgroupArray>();
  return own.map(({ name, type, length }) => {
    let array = arrays.find((other) => other.type === type && !taken.has(other));
    if (!array) {
      array = { name: `memory${String(arrays.length)}`, type, length };
      arrays.push(array);
    }
    array.length = Math.max(array.length, length);
    taken.add(array);
    return [name, array.name];
  });
}

/** Renames all at once, but no member of such a name. */
const rename = (text: string, names: ReadonlyMap<string, string>): string =>
  text.replace(/(?<![.\w])[A-Za-z_]\w*/g, (word) => names.get(word) ?? word);
