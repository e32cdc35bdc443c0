/**
 * The engine's home in the browser: owns the device, the data and the experiment, carries out the page's
 * commands and posts what happens. It runs in a worker (`worker.ts`), and as well without one.
 */
import { generateBuiltin } from '../data/builtin.ts';
import type { Dataset, LoadProgress, Part } from '../data/dataset.ts';
import type { NamedBlob } from '../data/files.ts';
import { requestDevice } from '../engine/gpu/device.ts';
import type { DeviceDescription } from '../engine/gpu/device.ts';
import { Gpu } from '../engine/gpu/gpu.ts';
import type { TuningName } from '../ops/tuning.ts';
import { FathomError } from '../errors.ts';
import { experimentConfig } from '../lab/config.ts';
import type { ExperimentConfig } from '../lab/config.ts';
import type { Activations } from '../lab/activations.ts';
import { Experiment } from '../lab/experiment.ts';
import type { NetworkProfile, Pace, Subject } from '../lab/experiment.ts';
import type { DataShape } from '../lab/networks.ts';
import { expectationOf, timeNetwork } from '../lab/expectation.ts';
import { TIMED } from '../lab/timing.ts';
import type { Expectation } from '../lab/expectation.ts';
import type { OnPoint } from '../lab/surface.ts';
import type { Survey, SurveyQuestion } from '../lab/survey.ts';
import { chooseTuning, fastest, tryTunings } from '../lab/tuner.ts';
import type { Trial, TuningWishes } from '../lab/tuner.ts';
import { missingSet, sparingly } from './data_desk.ts';
import type { DataDesk } from './data_desk.ts';
import { describeError } from './failure.ts';
import type { Command, DatasetDescription, Event } from './protocol.ts';

/** Pictures of the training set that the page shows. */
const SAMPLES = 60;

/** What a running experiment is told. */
type Control = Exclude<
  Command,
  { type: 'configure' | 'open-files' | 'pace' | 'watch' | 'share' | 'tuning' }
>;

export class Host {
  private readonly post: (event: Event) => void;
  private readonly desk: DataDesk;
  private gpu: Gpu | null = null;
  private adapter: DeviceDescription | null = null;
  private tuning: TuningName = 'gpu';
  private wishes: TuningWishes = { pinned: null, measured: {} };
  private experiment: Experiment | null = null;
  /** What the page asked for last. */
  private config = experimentConfig.parse({});
  private dataset: Dataset | null = null;
  private pace: Pace = { kind: 'full' };
  private watching = false;
  private share = 1;
  /** Commands that build something run one after the other. */
  private building: Promise<void>;
  /** How many experiments are being made, or wait to be: what comes meanwhile is meant for the last of them. */
  private preparing = 0;
  private kept: Control[] = [];

  /** `gpu` is `navigator.gpu`, or Dawn's. */
  constructor(gpu: GPU | undefined, desk: DataDesk, post: (event: Event) => void) {
    this.post = post;
    this.desk = desk;
    this.building = this.openDevice(gpu);
  }

  handle(command: Command): void {
    switch (command.type) {
      case 'configure':
        this.config = command.config;
        return this.build(command, () => this.configure(command.config));
      case 'open-files':
        return this.build(command, () => this.openFiles(command.files));
      case 'pace':
        this.pace = command.pace;
        this.experiment?.setPace(command.pace);
        return;
      case 'watch':
        this.watching = command.on;
        this.experiment?.watch(command.on);
        return;
      case 'share':
        this.share = command.share;
        this.experiment?.setShare(command.share);
        return;
      case 'tuning':
        return this.build(command, async () => {
          this.wishes = command.wishes;
          if (this.gpu) this.tune(this.gpu.device);
          await Promise.resolve();
        });
      default:
        if (this.preparing > 0) this.keep(command);
        else if (this.experiment) control(this.experiment, command);
    }
  }

  /** A Gpu of its own on the same device, for work beside the experiment; null where there is no device. */
  async secondGpu(): Promise<Gpu | null> {
    await this.building;
    return this.gpu && new Gpu(this.gpu.device, this.tuning);
  }

  /** The data set of the experiment; the built-in one before there is any. */
  async data(): Promise<Dataset> {
    return this.dataset ?? generateBuiltin({ size: this.config.size });
  }

  /** As {@link Experiment.profile}, of the experiment that stands when all that was asked for has been built. */
  async profile(network: string): Promise<NetworkProfile> {
    return (await this.standing()).profile(network);
  }

  /** As {@link Experiment.survey}, likewise. */
  async survey(question: SurveyQuestion, onPoint: OnPoint): Promise<Survey> {
    return (await this.standing()).survey(question, onPoint);
  }

  /** As {@link Experiment.surveyPace}, likewise. */
  async surveyPace(question: SurveyQuestion): Promise<number> {
    return (await this.standing()).surveyPace(question);
  }

  /** As {@link Experiment.activations}, likewise. */
  async activations(network: string, path?: string): Promise<Activations> {
    return (await this.standing()).activations(network, path);
  }

  /** As {@link Experiment.atRest}, likewise. */
  async atRest<T>(network: string, work: (subject: Subject) => Promise<T>): Promise<T> {
    return (await this.standing()).atRest(network, work);
  }

  /** As {@link Experiment.forget}, where an experiment stands. */
  forget(): void {
    this.experiment?.forget();
  }

  /** @throws FathomError `no-experiment` */
  private async standing(): Promise<Experiment> {
    await this.building;
    if (!this.experiment) throw noExperiment();
    return this.experiment;
  }

  /**
   * What a training step of each network of `config` would take on this device. Each measurement stands between two
   * steps of the experiment, if there is one, so that training goes on and commands get through.
   *
   * @throws FathomErrors as {@link timeNetwork}
   */
  async expect(config: ExperimentConfig): Promise<Expectation> {
    const gpu = await this.secondGpu();
    if (!gpu) throw noExperiment();
    const data = await this.shapeFor(config);
    const time = (id: string) => this.between(() => timeNetwork(gpu, id, config, data));
    const [shallow, deep] = TIMED;
    return expectationOf(config, data, [await time(shallow), await time(deep)]);
  }

  /**
   * Tries the tunings that are worth it on this adapter, each between two steps of the experiment, if there is one.
   *
   * @param config of the steps that are timed
   * @param onTrial hears each result at once
   * @returns the fastest of those that are right
   */
  async tryTunings(
    config: ExperimentConfig,
    onTrial: (trial: Trial) => void,
  ): Promise<TuningName | null> {
    const gpu = await this.secondGpu();
    if (!gpu || !this.adapter) throw noExperiment();
    const { candidates } = chooseTuning(this.adapter, this.wishes);
    const trying = tryTunings(gpu.device, candidates, config, await this.shapeFor(config));
    const trials: Trial[] = [];
    for (;;) {
      const { value: trial } = await this.between(() => trying.next());
      if (!trial) return fastest(trials);
      trials.push(trial);
      onTrial(trial);
    }
  }

  /** Runs `work` between two steps of the experiment that stands when all that was asked for has been built. */
  private async between<T>(work: () => Promise<T>): Promise<T> {
    await this.building;
    return this.experiment ? this.experiment.between(work) : work();
  }

  private async shapeFor({ size }: ExperimentConfig): Promise<DataShape> {
    const { channels, classes } = this.dataset ?? (await generateBuiltin({ size }));
    return { channels, classes, height: size, width: size };
  }

  /** Networks are built of the kernels of the tuning chosen from now on; those that stand keep theirs. */
  private tune(device: GPUDevice): void {
    if (!this.adapter) return;
    const choice = chooseTuning(this.adapter, this.wishes);
    if (!this.gpu || choice.tuning !== this.tuning) this.gpu = new Gpu(device, choice.tuning);
    this.tuning = choice.tuning;
    this.post({ type: 'tuning', ...choice });
  }

  /** Resolves when everything that was asked for has been built, and nothing trains. */
  async idle(): Promise<void> {
    let building;
    do {
      building = this.building;
      await building;
      await this.experiment?.idle();
    } while (building !== this.building);
  }

  /** Stops and frees the experiment. */
  async close(): Promise<void> {
    await this.building;
    await this.experiment?.close();
    this.experiment = null;
  }

  /** For the experiment that is being made. A pause takes back what would have made it train. */
  private keep(command: Control): void {
    if (command.type === 'pause') {
      this.kept = this.kept.filter(({ type }) => type !== 'start' && type !== 'step');
    } else {
      this.kept.push(command);
    }
  }

  /** Runs `work` after what is being built now. Should it fail, the experiment before it still stands. */
  private build(command: Command, work: () => Promise<void>): void {
    const replaces = command.type === 'configure';
    if (replaces) {
      // The networks that train now are given up; there is no use in their going on.
      this.experiment?.pause();
      this.kept = [];
      this.preparing++;
    }
    this.building = this.building
      .then(work)
      .catch((error: unknown) => {
        this.kept = [];
        this.post({ type: 'failed', command: command.type, ...describeError(error) });
        this.experiment?.describe();
        this.post({ type: 'state', state: this.experiment?.state ?? 'empty' });
      })
      .then(() => {
        if (replaces) this.preparing--;
        if (this.preparing > 0 || !this.experiment) return;
        for (const kept of this.kept.splice(0)) control(this.experiment, kept);
      });
  }

  private async openDevice(gpu: GPU | undefined): Promise<void> {
    this.post({ type: 'state', state: 'empty' });
    try {
      const { device, description } = await requestDevice(gpu);
      this.adapter = description;
      void device.lost.then(({ reason, message }) => {
        if (reason === 'destroyed') return;
        this.gpu = null;
        this.experiment = null;
        this.post({
          type: 'unsupported',
          code: 'device-lost',
          message: `the GPU device was lost: ${message}`,
          details: { reason: message },
        });
      });
      this.post({ type: 'device', device: description });
      this.tune(device);
    } catch (error) {
      this.post({ type: 'unsupported', ...describeError(error) });
    }
  }

  private async configure(config: ExperimentConfig): Promise<void> {
    // A later configuration waits: this one would be thrown away.
    if (!this.gpu || this.config !== config) return;
    this.post({ type: 'state', state: 'preparing' });
    const dataset = await this.datasetFor(config);
    await this.replace(this.gpu, { ...config, data: dataset.id }, dataset);
  }

  /** Training goes on while the files are read: they may not be what they seem. */
  private async openFiles(files: NamedBlob[]): Promise<void> {
    if (!this.gpu) return;
    const { size } = this.experiment?.config ?? this.config;
    const { id, notKept } = await this.desk.open(files, {}, this.reportProgress);
    if (notKept) this.post({ type: 'failed', command: 'open-files', ...notKept });
    const dataset = await this.desk.find(id, size);
    if (!dataset) throw missingSet(id);
    const config = this.experiment?.config ?? this.config;
    this.preparing++;
    try {
      await this.replace(this.gpu, { ...config, size, data: dataset.id }, dataset);
    } finally {
      this.preparing--;
    }
  }

  /** The set a configuration names at the size it asks for; the built-in one where it is not at hand. */
  private async datasetFor({ data, size }: ExperimentConfig): Promise<Dataset> {
    const { dataset } = this;
    if (dataset?.id === data && dataset.height === size) return dataset;
    try {
      const found = await this.desk.find(data, size, this.reportProgress);
      if (found) return found;
      throw missingSet(data);
    } catch (error) {
      this.post({ type: 'failed', command: 'configure', ...describeError(error) });
    }
    if (dataset?.id === 'builtin' && dataset.height === size) return dataset;
    return generateBuiltin({ size }, this.reportProgress);
  }

  /** A new experiment in place of the old one, which goes only when the new one stands. */
  private async replace(gpu: Gpu, config: ExperimentConfig, dataset: Dataset): Promise<void> {
    const before = this.experiment;
    before?.pause();
    await before?.idle();
    this.post({ type: 'state', state: 'preparing' });
    const experiment = await Experiment.create(gpu, config, dataset, {
      emit: this.post,
      failed: (error) => this.post({ type: 'failed', command: 'start', ...describeError(error) }),
      progress: (done, total) =>
        this.post({ type: 'progress', task: 'compile', stage: null, done, total }),
    });
    experiment.setPace(this.pace);
    if (this.watching) experiment.watch(true);
    experiment.setShare(this.share);
    this.experiment = experiment;
    this.dataset = dataset;
    const { streamed } = experiment;
    const description = describeDataset(dataset, streamed, gpu.pictureBytes);
    this.post({ type: 'dataset', dataset: description });
    await before?.close();
  }

  private readonly reportProgress: LoadProgress = sparingly((stage, done, total) =>
    this.post({ type: 'progress', task: 'data', stage, done, total }),
  );
}

function control(experiment: Experiment, command: Control): void {
  switch (command.type) {
    case 'start':
      return experiment.start();
    case 'pause':
      return experiment.pause();
    case 'step':
      return experiment.step();
    case 'reset':
      return experiment.reset();
    case 'set':
      return experiment.set(command.settings);
    case 'toggle':
      return experiment.toggle(command.network, command.connected);
  }
}

const noExperiment = () =>
  new FathomError('no-experiment', 'nothing is ready to be measured: no experiment stands');

function describeDataset(dataset: Dataset, streamed: Part[], room: number): DatasetDescription {
  const { train, test, ...rest } = dataset;
  const pixels = rest.channels * rest.height * rest.width;
  const samples = Math.min(SAMPLES, train.count);
  return {
    ...rest,
    trainCount: train.count,
    testCount: test.count,
    streamed,
    room,
    samples: {
      images: train.images.slice(0, samples * pixels),
      labels: train.labels.slice(0, samples),
    },
  };
}
