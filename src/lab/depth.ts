/** What the chapter on depth asks beyond single ops: the construction argument and the twin. One of each stands at a time. */
import type { Dataset } from '../data/dataset.ts';
import type { Evaluation } from '../engine/evaluate.ts';
import type { Gpu } from '../engine/gpu/gpu.ts';
import { FathomError } from '../errors.ts';
import { Construction } from './construction.ts';
import type {
  ComparedMode,
  ConstructionAnswer,
  ConstructionSetting,
  LogitComparison,
  Taken,
} from './construction.ts';
import type { Progress } from './progress.ts';
import type { SideRow } from './side_by_side.ts';
import { Twin } from './twin.ts';
import type { Touch, TwinProof, TwinSetting, TwinState } from './twin.ts';

/** Steps of the twin, and how it then stands. */
export interface TwinStep {
  rows: SideRow[];
  state: TwinState;
}

export class DepthLab {
  private readonly gpu: Promise<Gpu | null>;
  private readonly data: () => Promise<Dataset>;
  private readonly take: (id: string) => Promise<Taken>;
  private construction: Construction | null = null;
  private twin: Twin | null = null;
  /** Calls are answered one after the other: their runs share buffers. */
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param gpu this object's own: what runs on it shares its transient buffers
   * @param take what a construction begins with, of a network of the experiment
   */
  constructor(
    gpu: Promise<Gpu | null>,
    data: () => Promise<Dataset>,
    take: (id: string) => Promise<Taken>,
  ) {
    this.gpu = gpu;
    this.data = data;
    this.take = take;
  }

  /** See {@link Construction.build}; the construction before it is given up. Throws `no-webgpu` where nothing trains. */
  construct(
    setting: ConstructionSetting,
    progress: (done: number, total: number) => unknown,
  ): Promise<ConstructionAnswer> {
    return this.inTurn(async (gpu) => {
      this.construction?.destroy();
      this.construction = null;
      this.construction = await Construction.build(
        gpu,
        await this.data(),
        setting,
        this.take,
        progress,
      );
      return this.construction.answer;
    });
  }

  /** Trains both networks of the construction on, 64 steps at most. */
  trainConstruction(steps: number): Promise<SideRow[]> {
    return this.inTurn(() => standing(this.construction).train(steps));
  }

  /** See {@link Construction.measureReference}. The reference takes its time and shares no buffers: nobody waits for it. */
  measureReference(which: 0 | 1, progress: Progress): Promise<Evaluation> {
    return standing(this.construction).measureReference(which, progress);
  }

  /** See {@link Construction.compareReference}. */
  compareReference(mode: ComparedMode): Promise<LogitComparison> {
    return standing(this.construction).compareReference(mode);
  }

  /** A network and its twin, both at initial weights; those before are given up. Throws `no-webgpu` where nothing trains. */
  openTwin(setting: TwinSetting): Promise<TwinState> {
    return this.inTurn(async (gpu) => {
      this.twin?.destroy();
      this.twin = null;
      this.twin = await Twin.create(gpu, await this.data(), setting);
      return this.twin.state();
    });
  }

  /** Trains the original and, once it has split off, the twin, 64 steps at most. */
  trainTwin(steps: number): Promise<TwinStep> {
    return this.inTurn(async () => {
      const twin = standing(this.twin);
      const rows = await twin.train(steps);
      return { rows, state: await twin.state() };
    });
  }

  /** See {@link Twin.touch}; with null the twin splits off and is left alone. */
  touchTwin(touch: Touch | null): Promise<TwinState> {
    return this.inTurn(async () => {
      const twin = standing(this.twin);
      if (touch) await twin.touch(touch);
      else twin.splitOff();
      return twin.state();
    });
  }

  /** See {@link Twin.proof}. */
  proveTwin(): Promise<TwinProof> {
    return this.inTurn(() => standing(this.twin).proof());
  }

  private inTurn<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
    const result = this.last
      .then(() => this.gpu)
      .then((gpu) => {
        if (!gpu) throw new FathomError('no-webgpu', 'there is no WebGPU device here to train on');
        return work(gpu);
      });
    this.last = result.catch(() => undefined);
    return result;
  }
}

function standing<T>(study: T | null): T {
  if (!study) throw new FathomError('nothing-stands', 'nothing has been built that could go on');
  return study;
}
