/** The op table as a document: `docs/layers.md` is what this makes of it. */
import { OP_GROUPS } from './groups.ts';
import type { OpGroup } from './groups.ts';
import { initializer } from './init.ts';
import { ops } from './table.ts';
import type { OpName } from './table.ts';
import type { Op } from './op.ts';
import { schemaOf } from './parameters.ts';
import type { ParameterSchema } from './parameters.ts';

const TITLES: Record<OpGroup, string> = {
  linear: 'Linear operators',
  normalization: 'Normalization',
  activation: 'Activations',
  dropout: 'Dropout',
  pooling: 'Pooling and shape',
  residual: 'Residual connections',
};

/** What stands in front of a group. */
const NOTES: Partial<Record<OpGroup, string>> = {
  residual:
    'A network names neither of these: its `residual` blocks are made of them ([engine.md](engine.md) has their parameters).',
};

const HEAD = `<!-- Generated from src/ops by \`npm run docs:layers\`; a test fails when it is stale. -->

# Layers

Every layer that runs on the GPU, forward and backward. Names and defaults follow PyTorch where it has them, but for the names
\`kernel\` (kernel_size), \`groups\` of group norm (num_groups) and \`drop_probability\` (p), and the defaults of \`bias\` (a convolution has
none, since a norm follows) and of instance norm (which has γ and β). Images are $[N, C, H, W]$, kernels
$[O, I, K_H, K_W]$; $L$ is the loss. Each layer stands in one file of \`src/ops\`, with its kernels in \`shaders\`; the same mathematics in float64 is in \`src/reference\`, which finite differences hold to account and
which holds the kernels to account.
`;

const INITIALIZATION = `## Initialization

A weight $[O, I, K_H, K_W]$ has $\\text{fan\\_in} = I K_H K_W$ (with groups $I$ counts the channels of one group) and $\\text{fan\\_out} = O K_H K_W$. The gain $a$ makes up for what
the nonlinearity takes: 1 for \`identity\` and \`sigmoid\`, 5/3 for \`tanh\`, $\\sqrt{2 / (1 + s^2)}$ for \`leaky_relu\` of
slope $s$, $\\sqrt 2$ for \`relu\` and those shaped like it. Biases start as in PyTorch, uniform within $\\pm 1/\\sqrt{\\text{fan\\_in}}$.
`;

const TRAINING = String.raw`## Loss and optimizers

Not layers, but held to the reference and to PyTorch like them (${'`src/ops/softmax_cross_entropy.ts`'}, ${'`src/ops/optimizer.ts`'}). $z$ are logits, $k$ the
label, $K$ the number of classes, $g$ the gradient of the mean loss of a batch, $\eta$ the learning rate, $\lambda$ the weight decay.

### Softmax cross-entropy

$$L = -\sum_j q_j \log p_j, \qquad p_j = \frac{e^{z_j}}{\sum_i e^{z_i}}, \qquad q_j = (1 - \varepsilon)[j = k] + \frac{\varepsilon}{K}, \qquad \frac{\partial L}{\partial z_j} = p_j - q_j$$

$\varepsilon$ smooths the labels in training (Szegedy et al. 2016, section 7); evaluation never does.

### SGD with momentum

$$v \leftarrow \mu v + (g + \lambda w), \qquad w \leftarrow w - \eta v \quad\text{or, with Nesterov,}\quad w \leftarrow w - \eta\,(g + \lambda w + \mu v)$$

As ${'`torch.optim.SGD`'}; Sutskever et al. 2013.

### Adam and AdamW

$$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad w \leftarrow w - \eta\,\frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

with $\beta = (0.9, 0.999)$ and $\epsilon = 10^{-8}$; $t$ counts the updates of the parameter. Adam adds $\lambda w$ to $g$ first, AdamW takes $\eta \lambda w$ off $w$
(Kingma & Ba 2015; Loshchilov & Hutter 2019).

### Clipping

$$g \leftarrow g \cdot \min\Bigl(1, \frac{c}{\lVert g \rVert + 10^{-6}}\Bigr)$$

over all parameters together (Pascanu et al. 2013), as ${'`torch.nn.utils.clip_grad_norm_`'}.
`;

/** The whole document. Throws if an op of the table belongs to no group. */
export function layersDocument(): string {
  const listed: readonly OpName[] = Object.values(OP_GROUPS).flat();
  const missing = Object.keys(ops).filter((name) => !listed.some((known) => known === name));
  if (missing.length > 0) throw new Error(`in no group of the document: ${missing.join(', ')}`);
  const groups = (Object.keys(OP_GROUPS) as OpGroup[]).map((group) =>
    [
      `## ${TITLES[group]}\n`,
      ...(NOTES[group] ? [`${NOTES[group]}\n`] : []),
      ...OP_GROUPS[group].map((name) => section(ops[name])),
    ].join('\n'),
  );
  return [HEAD, ...groups, initialization(), TRAINING].join('\n');
}

/** How weights start: the values of a parameter \`init\`. */
function initialization(): string {
  const { oneOf = [] } = schemaOf(initializer);
  const sections = oneOf.map((kind) => {
    const { kind: name, ...parameters } = kind.properties ?? {};
    return [
      `### \`${name?.const ?? ''}\`\n`,
      `${kind.description ?? ''}.\n`,
      ...table(parameters, kind.required),
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
    ...tableOf(schemaOf(params)),
    `Source: ${doc.source}.\n`,
  ].join('\n');
}

const tableOf = ({ properties, required }: ParameterSchema): string[] =>
  table(properties, required);

/** Parameters that the engine sets by itself. */
const INTERNAL = ['relu'];

function table(
  parameters: Record<string, ParameterSchema> = {},
  required: string[] = [],
): string[] {
  const rows = Object.entries(parameters)
    .filter(([name]) => !INTERNAL.includes(name))
    .map(([name, schema]) => {
      const without = required.includes(name) ? 'required' : 'optional';
      const initial =
        schema.default === undefined ? without : `\`${JSON.stringify(schema.default)}\``;
      return `| \`${name}\` | ${values(schema)} | ${initial} | ${schema.description ?? ''} |`;
    });
  const head = '| parameter | values | default | |\n| --- | --- | --- | --- |';
  return rows.length > 0 ? [head, `${rows.join('\n')}\n`] : [];
}

/** What a parameter may be, in words. */
function values(schema: ParameterSchema): string {
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
