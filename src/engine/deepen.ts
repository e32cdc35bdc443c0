/**
 * The construction argument of He et al. 2015 (section 1), made real: a deeper network that computes what a shallower one
 * computes, because its layers are copied from there and the blocks that are added are the identity.
 *
 * A block that is added to a residual network is the identity where γ and β of its last norm are 0: relu(0 + x) = x, in
 * training as in evaluation, since what reaches it comes out of a ReLU. In a plain network its two convolutions are Dirac
 * kernels, and its norms have to undo themselves: with μ and σ² for running statistics, γ = √(σ² + ε) and β = μ,
 *
 *   γ·(x − μ)/√(σ² + ε) + β = x
 *
 * in evaluation, whatever μ and σ² are. In training the batch's own mean and variance take their place, and the norm is
 * the identity as far as those are μ and σ². So these are measured, of what the stage hands on.
 */
import { FathomError } from '../errors.ts';
import { layersOf } from '../network/interventions.ts';
import type { ResidualSpec } from '../network/spec.ts';
import { batchNormParams } from '../ops/batch_norm.ts';
import type { Initializer } from '../ops/init.ts';
import type { StepScalars } from '../ops/step.ts';
import { imageDims } from '../ops/tensor.ts';
import type { Tensor } from '../reference/tensor.ts';
import { initialValues } from './init.ts';
import type { GpuNetwork } from './network.ts';
import { tap } from './tap.ts';
import { learnedOf, writeLearned } from './tensors.ts';

/** A training pass in which batch statistics are measured. */
export interface MeasuredPass {
  scalars: StepScalars;
  indices?: Uint32Array<ArrayBuffer>;
}

/** Of every channel, as a batch norm sees them in training. */
interface BiasedMoments {
  mean: Float64Array;
  variance: Float64Array;
}

/** Paths of the blocks that `deep` has and `shallow` has not. */
export function addedBlocks(shallow: GpuNetwork, deep: GpuNetwork): string[] {
  const known = new Set(layersOf(shallow.spec, 'residual').map(({ path }) => path));
  return layersOf(deep.spec, 'residual').flatMap(({ path }) => (known.has(path) ? [] : [path]));
}

/**
 * Makes `deep` compute what `shallow` computes. What its optimizer keeps, and the convolutions of residual blocks that
 * are added, stay as they are.
 *
 * @param shallow and `deep`: of the CIFAR family, original order, batch norm and ReLU; both plain or both residual
 * @param passes on whose batches the norms of a plain network are measured
 * @throws FathomError `not-identity` where a block that `deep` adds cannot be the identity
 */
export async function deepen(
  shallow: GpuNetwork,
  deep: GpuNetwork,
  passes: readonly MeasuredPass[],
): Promise<void> {
  const blocks = new Map(layersOf(deep.spec, 'residual').map(({ path, layer }) => [path, layer]));
  const added = addedBlocks(shallow, deep).map((path) => partsOf(path, blocks.get(path)));
  writeLearned(deep, await learnedOf(shallow));

  const measured = new Map<string, BiasedMoments>();
  for (const { stage, connected, convolutions, norms } of added) {
    if (connected) {
      const [last] = norms.slice(-1);
      for (const name of ['weight', 'bias']) start(deep, `${last?.path}.${name}`, ZERO);
      continue;
    }
    const end = layersOf(shallow.spec, 'residual').findLast(({ path }) => isIn(stage, path));
    const moments =
      measured.get(stage) ??
      (await measure(shallow, `${end?.path}.${end?.layer.after[0]?.name}`, passes));
    measured.set(stage, moments);
    for (const path of convolutions) start(deep, `${path}.weight`, DIRAC);
    for (const { path, eps } of norms) writeNeutral(deep, path, eps, moments);
  }
}

const ZERO: Initializer = { kind: 'constant', value: 0 };
const DIRAC: Initializer = { kind: 'dirac', groups: 1 };

const isIn = (stage: string, path: string): boolean => path.startsWith(`${stage}.`);

/** What of a block is to be set; throws where it is none of those that can be the identity. */
function partsOf(path: string, block: ResidualSpec | undefined) {
  const { connected = false, body = [], after = [] } = block ?? {};
  const types = [...body, { type: 'end' }, ...after].map(({ type }) => type).join();
  if (types !== 'conv2d,batch_norm,relu,conv2d,batch_norm,end,relu') {
    throw new FathomError(
      'not-identity',
      `${path}: expected conv2d, batch_norm, relu, conv2d, batch_norm and a relu behind the addition, found ${types}`,
      { path },
    );
  }
  return {
    stage: path.split('.').slice(0, -1).join('.'),
    connected,
    convolutions: body.flatMap(({ type, name }) => (type === 'conv2d' ? [`${path}.${name}`] : [])),
    norms: body.flatMap((layer) => {
      if (layer.type !== 'batch_norm') return [];
      const { type, name, ...params } = layer;
      return [{ path: `${path}.${name}`, eps: batchNormParams.parse(params).eps }];
    }),
  };
}

/** The moments of what a layer hands on, as a norm sees them: of each batch by itself, and their mean over the batches. */
async function measure(
  network: GpuNetwork,
  path: string,
  passes: readonly MeasuredPass[],
): Promise<BiasedMoments> {
  const all: BiasedMoments[] = [];
  for (const { scalars, indices } of passes) {
    all.push(momentsOf(await tap(network, path, scalars, indices)));
  }
  const over = (kind: keyof BiasedMoments) =>
    Float64Array.from(
      all[0]?.[kind] ?? [],
      (_, c) => all.reduce((sum, moments) => sum + (moments[kind][c] ?? NaN), 0) / all.length,
    );
  return { mean: over('mean'), variance: over('variance') };
}

function momentsOf({ shape, data }: Tensor): BiasedMoments {
  const [n, channels, h, w] = imageDims(shape);
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  const channel = (i: number) => Math.floor(i / (h * w)) % channels;
  const count = n * h * w;
  data.forEach((value, i) => (mean[channel(i)]! += value / count));
  data.forEach((value, i) => (variance[channel(i)]! += (value - mean[channel(i)]!) ** 2 / count));
  return { mean, variance };
}

/** Gives a parameter the values that an initializer of constants gives it. */
function start(network: GpuNetwork, name: string, init: Initializer): void {
  const parameter = network.parameters.find((each) => each.name === name);
  if (!parameter) throw new Error(`${network.spec.name} has no parameter "${name}"`);
  network.writeParameter(name, initialValues({ ...parameter, init }, 0));
}

/** γ, β and running statistics of a norm that is the identity in evaluation; see the top of this file. */
function writeNeutral(
  network: GpuNetwork,
  path: string,
  eps: number,
  { mean, variance }: BiasedMoments,
): void {
  network.writeParameter(
    `${path}.weight`,
    variance.map((value) => Math.sqrt(value + eps)),
  );
  network.writeParameter(`${path}.bias`, mean);
  network.writeState(`${path}.running_mean`, mean);
  network.writeState(`${path}.running_var`, variance);
}
