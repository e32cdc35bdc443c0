/** What networks share on one device, on a device that only counts. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Gpu } from '../../src/engine/gpu/gpu.ts';

const MIB = 2 ** 20;

function countingDevice(limit = 128 * MIB) {
  let alive = 0;
  const device = Object.assign(new EventTarget(), {
    features: new Set<string>(),
    limits: { maxStorageBufferBindingSize: limit, maxBufferSize: 2 * limit },
    createBuffer: ({ size }: GPUBufferDescriptor) => {
      alive += size;
      return { size, destroy: () => (alive -= size) };
    },
  });
  return { device, gpu: new Gpu(device as unknown as GPUDevice), alive: () => alive };
}

/** What an implementation of WebGPU defines. */
class OutOfMemoryError {
  message = 'no room';
}
beforeAll(() => {
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 128, UNIFORM: 64, COPY_SRC: 4, COPY_DST: 8 });
  vi.stubGlobal('GPUOutOfMemoryError', OutOfMemoryError);
});
afterAll(() => vi.unstubAllGlobals());

describe('memory', () => {
  it('refuses by name what the device cannot bind', () => {
    const { gpu } = countingDevice();
    expect(() => gpu.storage('fc weights', 128 * MIB)).not.toThrow();
    expect(() => gpu.storage('fc weights', 128 * MIB + 4)).toThrow(
      /fc weights take 129 MiB in one buffer, but this adapter holds 128 MiB at most: choose a smaller/,
    );
    expect(() => gpu.transient.reserve([128 * MIB, 200 * MIB])).toThrow(/200 MiB/);
  });

  it('of one step is shared: as large as the greediest plan, and smaller when that is gone', () => {
    const { gpu, alive } = countingDevice();
    const small = [100, 50];
    const large = [80, 60, 40];
    gpu.transient.reserve(small);
    expect(gpu.transient.bytes).toBe(150);
    const { version } = gpu.transient;
    gpu.transient.reserve(large);
    expect(gpu.transient.bytes).toBe(100 + 60 + 40);
    expect(gpu.transient.version).toBeGreaterThan(version);
    gpu.transient.release(large);
    expect(gpu.transient.bytes).toBe(150);
    gpu.transient.release(small);
    expect(alive()).toBe(0);
  });
});

describe('errors that WebGPU finds late', () => {
  const report = (device: EventTarget, error: object) =>
    device.dispatchEvent(Object.assign(new Event('uncapturederror'), { error }));

  it('reach those who listen, until they stop', () => {
    const { device, gpu } = countingDevice();
    const heard: Error[] = [];
    const stop = gpu.onError((error) => heard.push(error));
    report(device, { message: 'bad binding' });
    report(device, new OutOfMemoryError());
    stop();
    report(device, { message: 'unheard' });
    expect(heard).toMatchObject([{ code: 'gpu' }, { code: 'out-of-memory' }]);
    expect(heard[0]?.message).toContain('bad binding');
  });
});
