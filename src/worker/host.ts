/**
 * The engine's home in the browser: a worker that owns the device, the data and the experiment, carries
 * out the page's commands and posts what happens.
 */
import { generateBuiltin } from '../data/builtin.ts';
import { loadFiles } from '../data/load.ts';
import type { Dataset, LoadProgress } from '../data/dataset.ts';
import { requestDevice } from '../engine/gpu/device.ts';
import { Gpu } from '../engine/gpu/gpu.ts';
import { FathomError } from '../errors.ts';
import type { ExperimentConfig } from '../lab/config.ts';
import { Experiment } from '../lab/experiment.ts';
import type { Command, DatasetDescription, Event } from './protocol.ts';

/** Pictures of the training set that the page shows. */
const SAMPLES = 60;
/** Where a data set that was opened from files came from, so that it can be read again at another size. */
interface OpenedFiles {
  id: string;
  files: File[];
}

const post = (event: Event) => self.postMessage(event);

class Host {
  private gpu: Gpu | null = null;
  private experiment: Experiment | null = null;
  private config: ExperimentConfig | null = null;
  private dataset: Dataset | null = null;
  private opened: OpenedFiles | null = null;
  /** Commands that build something run one after the other. */
  private building: Promise<void> = Promise.resolve();

  constructor() {
    this.building = this.openDevice();
  }

  handle(command: Command): void {
    switch (command.type) {
      case 'configure':
        return this.build(command, () => this.configure(command.config));
      case 'open-files':
        return this.build(command, () => this.openFiles(command.files));
      case 'start':
        return this.experiment?.start();
      case 'pause':
        return this.experiment?.pause();
      case 'step':
        return this.experiment?.step();
      case 'reset':
        return this.experiment?.reset();
      case 'set':
        return this.experiment?.set(command.settings);
      case 'toggle':
        return this.experiment?.toggle(command.network, command.connected);
      case 'pace':
        return this.experiment?.setPace(command.pace);
    }
  }

  /** Runs `work` after what is being built now. Should it fail, the experiment before it still stands. */
  private build(command: Command, work: () => Promise<void>): void {
    this.building = this.building.then(work).catch((error: unknown) => {
      post({ type: 'failed', command: command.type, ...describeError(error) });
      post({ type: 'state', state: this.experiment?.state ?? 'empty' });
    });
  }

  private async openDevice(): Promise<void> {
    post({ type: 'state', state: 'empty' });
    try {
      const { device, description } = await requestDevice(navigator.gpu);
      this.gpu = new Gpu(device);
      void device.lost.then(({ reason, message }) => {
        if (reason === 'destroyed') return;
        this.gpu = null;
        this.experiment = null;
        post({
          type: 'unsupported',
          code: 'device-lost',
          message: `the GPU device was lost: ${message}`,
          details: { reason: message },
        });
      });
      device.addEventListener('uncapturederror', ({ error }) => {
        post({ type: 'failed', command: 'configure', ...describeError(error) });
      });
      post({ type: 'device', device: description });
    } catch (error) {
      post({ type: 'unsupported', ...describeError(error) });
    }
  }

  private async configure(config: ExperimentConfig): Promise<void> {
    if (!this.gpu) return;
    post({ type: 'state', state: 'preparing' });
    const dataset = await this.datasetFor(config);
    await this.replace(this.gpu, { ...config, data: dataset.id }, dataset);
  }

  private async openFiles(files: File[]): Promise<void> {
    const config = this.experiment?.config ?? this.config;
    if (!this.gpu || !config) return;
    const { size, seed } = config;
    const dataset = await loadFiles(named(files), { size, seed }, reportProgress);
    await this.replace(this.gpu, { ...config, data: dataset.id }, dataset);
    this.opened = { id: dataset.id, files };
  }

  /** The set a configuration names at the size it asks for; the built-in one where files are missing. */
  private async datasetFor({ data, size, seed }: ExperimentConfig): Promise<Dataset> {
    const { dataset, opened } = this;
    if (dataset?.id === data && dataset.height === size) return dataset;
    if (opened?.id === data) {
      return loadFiles(named(opened.files), { size, seed }, reportProgress);
    }
    if (data !== 'builtin') {
      const error = new FathomError(
        'data-missing',
        `the data set "${data}" is not open: drop its files here; the built-in pictures are used meanwhile`,
        { data },
      );
      post({ type: 'failed', command: 'configure', ...describeError(error) });
      if (dataset?.id === 'builtin' && dataset.height === size) return dataset;
    }
    return generateBuiltin({ size }, reportProgress);
  }

  /** A new experiment in place of the old one, which goes only when the new one stands. */
  private async replace(gpu: Gpu, config: ExperimentConfig, dataset: Dataset): Promise<void> {
    const before = this.experiment;
    before?.pause();
    await before?.idle();
    post({ type: 'state', state: 'preparing' });
    const experiment = await Experiment.create(gpu, config, dataset, {
      emit: post,
      failed: (error) => post({ type: 'failed', command: 'start', ...describeError(error) }),
      progress: (done, total) =>
        post({ type: 'progress', task: 'compile', stage: null, done, total }),
    });
    this.experiment = experiment;
    this.dataset = dataset;
    this.config = config;
    post({ type: 'dataset', dataset: describeDataset(dataset) });
    await before?.close();
  }
}

const named = (files: File[]) =>
  files.map((file) => ({ name: file.webkitRelativePath || file.name, blob: file }));

const reportProgress: LoadProgress = (stage, done, total) =>
  post({ type: 'progress', task: 'data', stage, done, total });

function describeError(error: unknown): {
  code: string;
  message: string;
  details: Record<string, string | number>;
} {
  if (error instanceof FathomError) {
    return { code: error.code, message: error.message, details: error.details };
  }
  const message =
    error instanceof Error || error instanceof GPUError ? error.message : String(error);
  return { code: 'unexpected', message, details: { message } };
}

function describeDataset(dataset: Dataset): DatasetDescription {
  const { train, test, ...rest } = dataset;
  const pixels = rest.channels * rest.height * rest.width;
  const samples = Math.min(SAMPLES, train.count);
  return {
    ...rest,
    trainCount: train.count,
    testCount: test.count,
    samples: {
      images: train.images.slice(0, samples * pixels),
      labels: train.labels.slice(0, samples),
    },
  };
}

const host = new Host();
self.onmessage = ({ data }: MessageEvent<Command>) => {
  try {
    host.handle(data);
  } catch (error) {
    post({ type: 'failed', command: data.type, ...describeError(error) });
  }
};
