/** The worker's program: a {@link Host} between the page and the GPU, and the instruments of the chapters. */
import { expose } from 'comlink';
import { DepthLab } from '../lab/depth.ts';
import { Instruments } from '../lab/instruments.ts';
import { describeError, Host } from './host.ts';
import type {
  Command,
  DepthApi,
  InstrumentsApi,
  OpenInstruments,
  ProfilerApi,
} from './protocol.ts';

const host = new Host(navigator.gpu, (event) => self.postMessage(event));
const instruments = new Instruments(host.secondGpu(), () => host.data());
const depth = new DepthLab(host.secondGpu(), () => host.data());

/** Errors cross to the page as plain objects: of an Error only its message would arrive. */
async function plainly<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw describeError(error);
  }
}

const api: InstrumentsApi & ProfilerApi & DepthApi = {
  run: (question) => plainly(instruments.run(question)),
  check: (onResult) => plainly(instruments.check(onResult)),
  activations: (network, path) => plainly(host.activations(network, path)),
  signal: (setting, onLayer) => plainly(instruments.signal(setting, onLayer)),
  stack: (question) => plainly(instruments.stack(question)),
  channels: (step, picture) => plainly(instruments.channels(step, picture)),
  augment: (question) => plainly(instruments.augment(question)),
  crops: (...question) => plainly(instruments.crops(...question)),
  draws: (...question) => plainly(instruments.draws(...question)),
  accuracy: (...question) => plainly(instruments.accuracy(...question)),
  construct: (...question) => plainly(depth.construct(...question)),
  trainConstruction: (steps) => plainly(depth.trainConstruction(steps)),
  openTwin: (setting) => plainly(depth.openTwin(setting)),
  trainTwin: (steps) => plainly(depth.trainTwin(steps)),
  touchTwin: (touch) => plainly(depth.touchTwin(touch)),
  profile: (network) => plainly(host.profile(network)),
  expect: (config) => plainly(host.expect(config)),
  tryTunings: (config, onTrial) => plainly(host.tryTunings(config, onTrial)),
};

self.onmessage = ({ data }: MessageEvent<Command | OpenInstruments>) => {
  if (data.type === 'instruments') return expose(api, data.port);
  try {
    host.handle(data);
  } catch (error) {
    self.postMessage({ type: 'failed', command: data.type, ...describeError(error) });
  }
};
