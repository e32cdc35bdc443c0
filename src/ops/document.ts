/** The op table as a document: `docs/layers.md` is what this makes of it. */
import { z } from 'zod';
import { initializer } from './init.ts';
import { ops } from './table.ts';
import type { Op } from './op.ts';

const GROUPS: Record<string, (keyof typeof ops)[]> = {
  'Linear operators': ['conv2d', 'linear'],
  Normalization: ['batch_norm', 'layer_norm', 'instance_norm', 'group_norm'],
  Activations: ['relu', 'leaky_relu', 'elu', 'silu', 'gelu', 'sigmoid', 'tanh', 'identity'],
  Dropout: ['dropout', 'dropout2d'],
  'Pooling and shape': ['max_pool2d', 'avg_pool2d', 'global_avg_pool', 'flatten'],
  'Residual connections': ['add', 'shortcut_option_a'],
};

const HEAD = `<!-- Generated from src/ops by \`npm run docs:layers\`; a test fails when it is stale. -->

# Layers

Every layer that runs on the GPU, forward and backward. Names follow PyTorch where it has one, but for
\`kernel\` (kernel_size), \`groups\` of group norm (num_groups) and \`drop_probability\` (p). Images are $[N, C, H, W]$, kernels
$[O, I, K_H, K_W]$; $L$ is the loss. Each layer stands in one file of \`src/ops\`, with its kernels in \`shaders\`; the same mathematics in float64 is in \`src/reference\`, which finite differences hold to account and
which holds the kernels to account.
`;

const INITIALIZATION = `## Initialization

A weight $[O, I, K_H, K_W]$ has $\\text{fan\\_in} = I K_H K_W$ and $\\text{fan\\_out} = O K_H K_W$. The gain $a$ makes up for what
the nonlinearity takes: 1 for \`identity\` and \`sigmoid\`, 5/3 for \`tanh\`, $\\sqrt{2 / (1 + s^2)}$ for \`leaky_relu\` of
slope $s$, $\\sqrt 2$ for \`relu\` and those shaped like it. Biases start as in PyTorch, uniform within $\\pm 1/\\sqrt{\\text{fan\\_in}}$.
`;

/** The whole document. Throws if an op of the table belongs to no group. */
export function layersDocument(): string {
  const listed = Object.values(GROUPS).flat();
  const missing = Object.keys(ops).filter((name) => !listed.some((known) => known === name));
  if (missing.length > 0) throw new Error(`in no group of the document: ${missing.join(', ')}`);
  const groups = Object.entries(GROUPS).map(([title, names]) =>
    [`## ${title}\n`, ...names.map((name) => section(ops[name]))].join('\n'),
  );
  return [HEAD, ...groups, initialization()].join('\n');
}

/** How weights start: the values of a parameter \`init\`. */
function initialization(): string {
  const { oneOf = [] } = z.toJSONSchema(initializer, { io: 'input' }) as Schema;
  const sections = oneOf.map((kind) => {
    const { kind: name, ...parameters } = kind.properties ?? {};
    return [
      `### \`${name?.const ?? ''}\`\n`,
      `${kind.description ?? ''}.\n`,
      ...table(parameters),
    ].join('\n');
  });
  return [INITIALIZATION, ...sections].join('\n');
}

function section({ name, doc, params }: Op): string {
  return [
    `### ${doc.title}: \`${name}\`\n`,
    `$$${doc.formula}$$\n`,
    ...(doc.symbols ? [`${doc.symbols}.\n`] : []),
    `Gradient:\n`,
    `$$${doc.gradient}$$\n`,
    ...table((z.toJSONSchema(params, { io: 'input' }) as Schema).properties),
    `Source: ${doc.source}.\n`,
  ].join('\n');
}

/** Parameters that the engine sets by itself. */
const INTERNAL = ['relu'];

/** The part of JSON Schema that zod writes for parameters. */
interface Schema {
  type?: string;
  enum?: unknown[];
  const?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

function table(parameters: Record<string, Schema> = {}): string[] {
  const rows = Object.entries(parameters)
    .filter(([name]) => !INTERNAL.includes(name))
    .map(([name, schema]) => {
      const initial = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
      return `| \`${name}\` | ${values(schema)} | ${initial} | ${schema.description ?? ''} |`;
    });
  const head = '| parameter | values | default | |\n| --- | --- | --- | --- |';
  return rows.length > 0 ? [head, `${rows.join('\n')}\n`] : [];
}

/** What a parameter may be, in words. */
function values(schema: Schema): string {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return branches.map(values).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.prefixItems) return `[${schema.prefixItems.map(values).join(', ')}]`;
  if (schema.type === 'array') return `[${values(schema.items ?? {})}, …]`;
  if (schema.type === 'object') return `\`${schema.properties?.kind?.const ?? 'object'}\``;
  if (schema.type === 'boolean') return 'true, false';
  const kind = schema.type === 'integer' ? 'integer' : 'number';
  const { minimum, exclusiveMinimum, maximum = Infinity } = schema;
  const most = maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (minimum !== undefined && most !== undefined) return `${kind} ${minimum} … ${most}`;
  if (most !== undefined)
    throw new Error(`a largest value of ${most} without a least one has no words yet`);
  const least = minimum !== undefined ? ` ≥ ${minimum}` : '';
  const above = exclusiveMinimum !== undefined ? ` > ${exclusiveMinimum}` : '';
  return kind + least + above;
}
