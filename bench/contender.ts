/** The interface that everything measured stands behind, and who there is. */
import { FathomError } from '../src/errors.ts';
import type { Precision } from '../src/ops/tensor.ts';
import type { TuningName } from '../src/ops/tuning.ts';
import type { Task } from './task.ts';

export interface Contender {
  /** Uploads weights and batch. May compile what it can. */
  prepare(task: Task): Promise<void>;
  /** One whole training step; resolves to its loss when all of it has been computed. */
  step(): Promise<number>;
  /** The loss of a forward pass as in evaluation, with the running statistics at their start (0 and 1). */
  forward(): Promise<number>;
  dispose(): void;
  /** What only our engine can tell of itself. */
  facts?(): Facts;
  /** A step without reading its loss back, where that can be had apart. */
  submit?(): void;
}

export interface Facts {
  parameters: number;
  pipelines: number;
  /** Bytes of the buffers that live within a step, and the least that any plan could do with. */
  transientBytes: number;
  lowerBoundBytes: number;
  /** Every tensor counted once for each dispatch that it is bound to. */
  boundBytes: number;
}

/** Where contenders run. */
export interface Place {
  runtime: 'browser' | 'node';
  /** Our engine's device. The peers open their own through `navigator.gpu`. */
  device: GPUDevice;
  /** Which variants of its kernels it takes. */
  tuning: TuningName;
  /** How it stores activations; f32 where nothing is said. */
  storage?: Precision;
}

export const PEERS = ['tfjs-webgpu', 'tfjs-webgl', 'jax-webgpu', 'jax-wasm'] as const;
export type PeerName = (typeof PEERS)[number];
export type ContenderName = 'fathom' | PeerName;

export const TITLES: Record<ContenderName, string> = {
  fathom: 'Fathom',
  'tfjs-webgpu': 'TensorFlow.js webgpu',
  'tfjs-webgl': 'TensorFlow.js webgl',
  'jax-webgpu': 'jax-js webgpu',
  'jax-wasm': 'jax-js wasm',
};

/** What a peer needs of npm. */
export const PACKAGES: Record<PeerName, readonly string[]> = {
  'tfjs-webgpu': ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-webgpu'],
  'tfjs-webgl': ['@tensorflow/tfjs'],
  'jax-webgpu': ['@jax-js/jax'],
  'jax-wasm': ['@jax-js/jax'],
};

/** Loads a contender's code only when it is wanted. Throws, with the reason, where it cannot run. */
export async function openContender(name: ContenderName, place: Place): Promise<Contender> {
  switch (name) {
    case 'fathom':
      return new (await import('./contenders/fathom.ts')).FathomContender(place);
    case 'jax-webgpu':
    case 'jax-wasm': {
      const { JaxContender } = await import('./contenders/jax.ts');
      return new JaxContender(name === 'jax-wasm' ? 'wasm' : 'webgpu');
    }
    case 'tfjs-webgpu':
    case 'tfjs-webgl': {
      if (name === 'tfjs-webgl' && place.runtime === 'node') {
        throw new FathomError('bench-peer', 'there is no WebGL in Node');
      }
      const { TfjsContender } = await import('./contenders/tfjs.ts');
      return new TfjsContender(name === 'tfjs-webgl' ? 'webgl' : 'webgpu');
    }
  }
}
