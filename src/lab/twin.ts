/**
 * A network, and a twin that splits off from it in mid-run: a copy of all that outlives a step, trained on beside it on
 * the same batches. The twin may be touched; one that is not stays the same, bit for bit.
 */
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { tensorsOf } from '../engine/tensors.ts';
import { layersOf, withFrozen, withShortcut } from '../network/interventions.ts';
import { need, tensor } from '../reference/tensor.ts';
import type { Tensors } from '../reference/tensor.ts';
import { BOUNDS, networkId } from './config.ts';
import { distinct, textsOf } from './kernel_text.ts';
import type { KernelText } from './kernel_text.ts';
import { MOST_STEPS, SideBySide } from './side_by_side.ts';
import type { SideRow } from './side_by_side.ts';
import { beforeStepOf, stepped } from './side_reference.ts';
import type { BeforeStep } from './side_reference.ts';

export const twinSetting = z.strictObject({
  network: networkId,
  width: z.int().min(BOUNDS.width.min).max(BOUNDS.width.max),
  seed: z.int().min(0).max(BOUNDS.seed.max),
});
export type TwinSetting = z.infer<typeof twinSetting>;

/** What may be done to the twin, and undone with `on` false. */
export const touch = z.discriminatedUnion('kind', [
  /** Cuts the shortcut of a block. */
  z.strictObject({ kind: z.literal('cut'), path: z.string(), on: z.boolean() }),
  /** A batch norm normalizes by its running statistics; they, γ and β stay as they are. */
  z.strictObject({ kind: z.literal('freeze'), path: z.string(), on: z.boolean() }),
  /** γ and β of one channel of a batch norm are 0 and stay so. Undone, they have their values of before. */
  z.strictObject({
    kind: z.literal('silence'),
    path: z.string(),
    channel: z.int().min(0),
    on: z.boolean(),
  }),
]);
export type Touch = z.infer<typeof touch>;

/** Something that was done, and when. */
export interface TouchMark {
  iteration: number;
  touch: Touch;
}

export interface TwinState {
  iteration: number;
  /** Steps that had been done when the twin split off; null before it has. */
  split: number | null;
  /** Residual blocks of the twin; `connected` says how the original is wired too, until it is cut. */
  blocks: { path: string; connected: boolean }[];
  norms: { path: string; channels: number; frozen: boolean; silenced: number[] }[];
  marks: TouchMark[];
  weights: WeightComparison;
}

/** Of all learned numbers: how many there are, how many differ in the twin, and ‖w′ − w‖/‖w‖. */
export interface WeightComparison {
  count: number;
  /** In float32. */
  differing: number;
  distance: number;
}

/** Where the comparison of weights comes from. */
export interface TwinProof {
  /** Of the weights that the kernels left, and of those that the float64 reference makes of the last step. */
  kernels: WeightComparison;
  reference: WeightComparison;
  /** What the last step went over, and what it started from; the twin's weights have a prime. */
  operands: Tensors;
  /** Of the twin's training step. */
  texts: KernelText[];
}

/** What the last step of both went over and started from; `twin` is null where the twin has not taken it itself. */
interface LastStep {
  iteration: number;
  original: BeforeStep;
  twin: BeforeStep | null;
}

/** γ and β of a silenced channel, as they were. */
interface Held {
  path: string;
  channel: number;
  gamma: number;
  beta: number;
}

export class Twin {
  private readonly side: SideBySide;
  private readonly original: GpuNetwork;
  private readonly twin: GpuNetwork;
  private split: number | null = null;
  private held: Held[] = [];
  private last: LastStep | null = null;
  /** What was written into the twin since it took its last step, or since it split off. */
  private written: Held[] = [];
  private readonly marks: TouchMark[] = [];

  private constructor(side: SideBySide, original: GpuNetwork, twin: GpuNetwork) {
    this.side = side;
    this.original = original;
    this.twin = twin;
  }

  static async create(gpu: Gpu, dataset: Dataset, question: TwinSetting): Promise<Twin> {
    const { network, ...setting } = twinSetting.parse(question);
    const side = new SideBySide(gpu, dataset, setting);
    try {
      return new Twin(side, await side.add(network), await side.add(network));
    } catch (error) {
      side.destroy();
      throw error;
    }
  }

  /** Trains the original, and the twin once it has split off. Rows hold the original's numbers first. */
  async train(steps: number): Promise<SideRow[]> {
    const networks = this.split === null ? [this.original] : [this.original, this.twin];
    const count = Math.min(steps, MOST_STEPS);
    const hold = () => this.hold();
    const rows = await this.side.train(networks, count - 1, hold);
    this.last = {
      iteration: this.side.iteration,
      original: await beforeStepOf(this.original),
      twin: this.split === null ? null : await beforeStepOf(this.twin),
    };
    this.written = [];
    return [...rows, ...(await this.side.train(networks, 1, hold))];
  }

  /** Splits the twin off, untouched; nothing happens where it has. */
  splitOff(): void {
    if (this.split !== null) return;
    this.twin.copyFrom(this.original);
    this.written = [];
    this.split = this.side.iteration;
  }

  /**
   * Touches the twin, from the next step on; splits it off first where it has not.
   * @throws FathomErrors `no-layer` and `no-channel`
   */
  async touch(question: Touch): Promise<void> {
    const asked = touch.parse(question);
    const { spec } = this.twin;
    this.splitOff();
    if (asked.kind === 'cut') await this.twin.rewire(withShortcut(spec, asked.path, !asked.on));
    else if (asked.kind === 'freeze')
      await this.twin.rewire(withFrozen(spec, asked.path, asked.on));
    else if (asked.on) await this.silence(asked.path, asked.channel);
    else this.release(asked.path, asked.channel);
    this.marks.push({ iteration: this.side.iteration, touch: asked });
  }

  async state(): Promise<TwinState> {
    const { spec } = this.twin;
    const widths = new Map(this.twin.parameters.map(({ name, shape }) => [name, shape[0] ?? 0]));
    return {
      iteration: this.side.iteration,
      split: this.split,
      blocks: layersOf(spec, 'residual').map(({ path, layer }) => ({
        path,
        connected: layer.connected,
      })),
      norms: layersOf(spec, 'batch_norm').map(({ path, layer }) => ({
        path,
        channels: widths.get(`${path}.weight`) ?? 0,
        frozen: layer.frozen ?? false,
        silenced: this.held.filter((each) => each.path === path).map(({ channel }) => channel),
      })),
      marks: [...this.marks],
      weights: await this.compareWeights(),
    };
  }

  /** Repeats the last step of both on the float64 reference, and compares the weights again. */
  async proof(): Promise<TwinProof> {
    const { last } = this;
    const texts = distinct(textsOf(this.twin.program('train').pass.plan.dispatches));
    const kernels = await this.compareWeights();
    if (!last) {
      // No step was made: what differs was written.
      const own = tensorsOf(this.original, await this.original.readParameters());
      return { kernels, reference: compare(own, this.rewritten(own)), operands: own, texts };
    }
    const { scalars, indices } = this.side.passAt(last.iteration);
    const batch = await this.side.pictures(indices);
    const own = stepped(last.original, batch, scalars);
    const others = last.twin ? stepped(last.twin, batch, scalars) : own;
    const primed = Object.entries((last.twin ?? last.original).parameters).map(
      ([name, weight]) => [`${name}′`, weight] as const,
    );
    return {
      kernels,
      reference: compare(own, this.rewritten(others)),
      operands: {
        x: batch.x,
        labels: tensor([batch.labels.length], batch.labels),
        ...last.original.parameters,
        ...Object.fromEntries(primed),
      },
      texts,
    };
  }

  destroy(): void {
    this.side.destroy();
  }

  private async silence(path: string, channel: number): Promise<void> {
    if (this.held.some((each) => each.path === path && each.channel === channel)) return;
    const value = async (name: string) =>
      (await this.twin.readParameter(`${path}.${name}`))[channel] ?? NaN;
    const held = { path, channel, gamma: await value('weight'), beta: await value('bias') };
    this.write({ ...held, gamma: 0, beta: 0 });
    this.held.push(held);
  }

  private release(path: string, channel: number): void {
    const held = this.held.find((each) => each.path === path && each.channel === channel);
    if (!held) return;
    this.held = this.held.filter((each) => each !== held);
    this.write(held);
  }

  /** A step moves γ and β of silenced channels as all others: they are put back before the next. */
  private hold(): void {
    for (const each of this.held) this.write({ ...each, gamma: 0, beta: 0 });
  }

  private write({ path, channel, gamma, beta }: Held): void {
    this.twin.writeChannel(`${path}.weight`, channel, gamma);
    this.twin.writeChannel(`${path}.bias`, channel, beta);
    this.written.push({ path, channel, gamma, beta });
  }

  /** Weights with what was written into the twin. */
  private rewritten(weights: Tensors): Tensors {
    const copy = Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [name, tensor(shape, [...data])]),
    );
    for (const { path, channel, gamma, beta } of this.written) {
      need(copy, `${path}.weight`).data[channel] = gamma;
      need(copy, `${path}.bias`).data[channel] = beta;
    }
    return copy;
  }

  private async compareWeights(): Promise<WeightComparison> {
    const own = tensorsOf(this.original, await this.original.readParameters());
    if (this.split === null) return compare(own, own);
    return compare(own, tensorsOf(this.twin, await this.twin.readParameters()));
  }
}

function compare(own: Tensors, others: Tensors): WeightComparison {
  let [count, differing, squares, total] = [0, 0, 0, 0];
  for (const [name, { data }] of Object.entries(own)) {
    const copy = need(others, name);
    data.forEach((value, i) => {
      const other = copy.data[i] ?? NaN;
      count++;
      differing += Number(Math.fround(other) !== Math.fround(value));
      squares += (other - value) ** 2;
      total += value ** 2;
    });
  }
  return { count, differing, distance: Math.sqrt(squares / total) };
}
