/**
 * A network, and a twin that splits off from it in mid-run: a copy of all that outlives a step, trained on beside it on
 * the same batches. The twin may be touched; one that is not stays the same, bit for bit.
 */
import { z } from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import type { GpuNetwork } from '../engine/network.ts';
import { layersOf, withFrozen, withShortcut } from '../network/interventions.ts';
import { BOUNDS, networkId } from './config.ts';
import { SideBySide } from './side_by_side.ts';
import type { SideRow } from './side_by_side.ts';

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
  /** Of all learned numbers: how many there are, how many differ in the twin, and ‖w′ − w‖/‖w‖. */
  weights: { count: number; differing: number; distance: number };
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
  train(steps: number): Promise<SideRow[]> {
    const networks = this.split === null ? [this.original] : [this.original, this.twin];
    return this.side.train(networks, steps, () => this.hold());
  }

  /** Splits the twin off, untouched; nothing happens where it has. */
  splitOff(): void {
    if (this.split !== null) return;
    this.twin.copyFrom(this.original);
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
  }

  private async compareWeights(): Promise<TwinState['weights']> {
    const own = await this.original.readParameters();
    const others = this.split === null ? own : await this.twin.readParameters();
    let [count, differing, squares, total] = [0, 0, 0, 0];
    for (const [name, values] of own) {
      const copy = others.get(name);
      values.forEach((value, i) => {
        const off = (copy?.[i] ?? NaN) - value;
        count++;
        differing += Number(off !== 0);
        squares += off ** 2;
        total += value ** 2;
      });
    }
    return { count, differing, distance: Math.sqrt(squares / total) };
  }
}
