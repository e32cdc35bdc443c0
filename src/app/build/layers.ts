/** How a layer is made anew, put in few words, and sorted by kind: what list, menu and drawing share. */
import type { LayerSpec } from '../../network/spec.ts';
import { layerParams } from '../../network/spec.ts';
import { OP_GROUPS } from '../../ops/groups.ts';
import type { OpGroup } from '../../ops/groups.ts';
import type { Shape } from '../../ops/tensor.ts';
import { fieldsOf } from './fields.ts';

export type LayerType = LayerSpec['type'];
type Params = Readonly<Record<string, unknown>>;

/** The groups of the menu, and what each offers: every op that a network may name. */
export const MENU = (Object.keys(OP_GROUPS) as OpGroup[])
  .map((group) => ({
    group,
    types: OP_GROUPS[group].filter((op) => Object.hasOwn(layerParams, op)) as LayerType[],
  }))
  .filter(({ types }) => types.length > 0);

export type Kind = OpGroup | 'block';

/** What kind of layer it is: its colour in the drawing, its place in the menu. */
export function kindOf(type: LayerType): Kind {
  return MENU.find(({ types }) => types.includes(type))?.group ?? 'block';
}

/** Names in torchvision's manner; a layer of any other type is named after it. */
const NAMES: Partial<Record<LayerType, string>> = {
  conv2d: 'conv',
  linear: 'fc',
  batch_norm: 'bn',
  layer_norm: 'ln',
  instance_norm: 'in',
  group_norm: 'gn',
  max_pool2d: 'pool',
  avg_pool2d: 'pool',
  global_avg_pool: 'avgpool',
  dropout2d: 'dropout',
  residual: 'block',
};

/** Where a new layer is put. */
interface Surroundings {
  /** What the layer before it hands on, for one image. */
  shape: Shape;
  classes: number;
}

/** What is usual where a parameter must be given. */
function usual(type: LayerType, { shape: [channels = 1], classes }: Surroundings): Params {
  switch (type) {
    case 'conv2d':
      return { out_channels: Math.max(16, channels), kernel: 3, padding: 'same' };
    case 'linear':
      return { out_features: classes };
    case 'group_norm':
      return { groups: [4, 2].find((groups) => channels % groups === 0) ?? 1 };
    case 'max_pool2d':
    case 'avg_pool2d':
      return { kernel: 2 };
    default:
      return {};
  }
}

/** A layer of a type with usual parameters. */
export function freshLayer(type: LayerType, surroundings: Surroundings): LayerSpec {
  const name = NAMES[type] ?? type;
  if (type === 'stage') return { type, name, layers: [] };
  if (type === 'residual') {
    return {
      type,
      name,
      connected: true,
      shortcut: 'A',
      zero_channels: 'end',
      projection_norm: { type: 'batch_norm' },
      body: [],
      after: [],
    };
  }
  const required = fieldsOf(layerParams[type])
    .filter((field) => field.required)
    .map(({ name, field }): [string, unknown] => [
      name,
      field.kind === 'choice' ? field.options[0] : field.kind === 'number' ? field.least : 1,
    ]);
  const params = { ...Object.fromEntries(required), ...usual(type, surroundings) };
  return { type, name, ...params } as LayerSpec;
}

const sides = (value: unknown): string =>
  Array.isArray(value) ? value.join('×') : `${String(value)}×${String(value)}`;

/** The parameters that tell a layer from others of its type: `3×3, 64, /2`. */
export function digest(layer: LayerSpec): string {
  switch (layer.type) {
    case 'stage':
    case 'residual':
      return '';
    case 'conv2d': {
      const { kernel, out_channels, stride = 1, groups = 1, dilation = 1 } = layer;
      return [
        sides(kernel),
        String(out_channels),
        ...(stride === 1 ? [] : [`/${String(stride)}`]),
        ...(groups === 1 ? [] : [`g ${String(groups)}`]),
        ...(dilation === 1 ? [] : [`d ${String(dilation)}`]),
      ].join(', ');
    }
    case 'linear':
      return String(layer.out_features);
    case 'max_pool2d':
    case 'avg_pool2d': {
      const { kernel, stride } = layer;
      return stride === undefined ? sides(kernel) : `${sides(kernel)}, /${String(stride)}`;
    }
    default: {
      const params = layer as unknown as Params;
      return fieldsOf(layerParams[layer.type])
        .filter(({ name, initial }) => params[name] !== undefined && params[name] !== initial)
        .map(({ name }) => params[name])
        .filter((value) => typeof value !== 'object')
        .join(', ');
    }
  }
}
