/** Networks to start from. Those made for larger images have their strides and last layers fitted to small ones. */
import { cifarNetwork } from './families.ts';
import type { LayerSpec, NetworkSpec } from './spec.ts';

export const TEMPLATE_IDS = [
  'lenet_5',
  'alexnet',
  'vgg_11',
  'plain_20',
  'residual_20',
  'preact_20',
  'all_convolutional',
  'perceptron',
  'linear',
  'empty',
] as const;
export type TemplateId = (typeof TEMPLATE_IDS)[number];

type Purpose = Pick<NetworkSpec, 'input' | 'classes'>;

const conv = (name: string, out_channels: number, kernel = 3, more = {}): LayerSpec => ({
  type: 'conv2d',
  name,
  out_channels,
  kernel,
  padding: 'same',
  ...more,
});
const relu = (name: string): LayerSpec => ({ type: 'relu', name });
const pool = (name: string): LayerSpec => ({ type: 'max_pool2d', name, kernel: 2 });
const linear = (name: string, out_features: number): LayerSpec => ({
  type: 'linear',
  name,
  out_features,
});
const flatten: LayerSpec = { type: 'flatten', name: 'flatten' };
const dropout = (name: string): LayerSpec => ({ type: 'dropout', name, drop_probability: 0.5 });

const cifar = (options: { residual: boolean; order?: 'pre_activation' }, purpose: Purpose) =>
  cifarNetwork({ depth: 20, width: 16, ...options, ...purpose }).layers;

const LAYERS: Record<TemplateId, (purpose: Purpose) => LayerSpec[]> = {
  /** LeCun et al. 1998, figure 2: sigmoidal units and average pooling; every map of C3 sees all of S2 here. */
  lenet_5: ({ classes }) => [
    conv('c1', 6, 5),
    { type: 'tanh', name: 'tanh1' },
    { type: 'avg_pool2d', name: 's2', kernel: 2 },
    conv('c3', 16, 5, { padding: 'valid' }),
    { type: 'tanh', name: 'tanh2' },
    { type: 'avg_pool2d', name: 's4', kernel: 2 },
    flatten,
    linear('c5', 120),
    { type: 'tanh', name: 'tanh3' },
    linear('f6', 84),
    { type: 'tanh', name: 'tanh4' },
    linear('output', classes),
  ],
  /** After Krizhevsky et al. 2012: five convolutions and three linear layers, an eighth as wide, pooled by 2. */
  alexnet: ({ classes }) => [
    conv('conv1', 24, 5),
    relu('relu1'),
    pool('pool1'),
    conv('conv2', 64, 5),
    relu('relu2'),
    pool('pool2'),
    conv('conv3', 96),
    relu('relu3'),
    conv('conv4', 64),
    relu('relu4'),
    conv('conv5', 64),
    relu('relu5'),
    pool('pool5'),
    flatten,
    dropout('dropout6'),
    linear('fc6', 256),
    relu('relu6'),
    dropout('dropout7'),
    linear('fc7', 256),
    relu('relu7'),
    linear('fc8', classes),
  ],
  /** Simonyan & Zisserman 2015, table 1, column A, with batch norm; one linear layer, as is usual on CIFAR. */
  vgg_11: ({ input, classes }) => {
    // A pool as long as there is something to halve.
    let side = Math.min(input.height, input.width);
    const pools = (name: string): LayerSpec[] => {
      if (side < 2) return [];
      side = Math.floor(side / 2);
      return [pool(name)];
    };
    const unit = (i: number, width: number): LayerSpec[] => [
      conv(`conv${String(i)}`, width),
      { type: 'batch_norm', name: `bn${String(i)}` },
      relu(`relu${String(i)}`),
    ];
    return [
      ...unit(1, 64),
      ...pools('pool1'),
      ...unit(2, 128),
      ...pools('pool2'),
      ...unit(3, 256),
      ...unit(4, 256),
      ...pools('pool3'),
      ...unit(5, 512),
      ...unit(6, 512),
      ...pools('pool4'),
      ...unit(7, 512),
      ...unit(8, 512),
      ...pools('pool5'),
      { type: 'global_avg_pool', name: 'avgpool' },
      linear('fc', classes),
    ];
  },
  plain_20: (purpose) => cifar({ residual: false }, purpose),
  residual_20: (purpose) => cifar({ residual: true }, purpose),
  preact_20: (purpose) => cifar({ residual: true, order: 'pre_activation' }, purpose),
  /** Springenberg et al. 2015, All-CNN-C (table 1), at half its width: strides in place of pooling. */
  all_convolutional: ({ classes }) => [
    conv('conv1', 48),
    relu('relu1'),
    conv('conv2', 48),
    relu('relu2'),
    conv('conv3', 48, 3, { stride: 2 }),
    relu('relu3'),
    { type: 'dropout', name: 'dropout3', drop_probability: 0.5 },
    conv('conv4', 96),
    relu('relu4'),
    conv('conv5', 96),
    relu('relu5'),
    conv('conv6', 96, 3, { stride: 2 }),
    relu('relu6'),
    { type: 'dropout', name: 'dropout6', drop_probability: 0.5 },
    conv('conv7', 96),
    relu('relu7'),
    conv('conv8', 96, 1),
    relu('relu8'),
    conv('conv9', classes, 1),
    { type: 'global_avg_pool', name: 'avgpool' },
  ],
  perceptron: ({ classes }) => [flatten, linear('fc1', 128), relu('relu'), linear('fc2', classes)],
  linear: ({ classes }) => [flatten, linear('fc', classes)],
  empty: () => [],
};

/** The network of a template for images and classes of this kind. All but `empty` fit, from 16×16 pixels on. */
export function template(id: TemplateId, purpose: Purpose): NetworkSpec {
  return { version: 1, name: id, ...purpose, layers: LAYERS[id](purpose) };
}
