/**
 * Which adapters are taken, which are refused by name, and which are known to be software. The adapters
 * here answer as WebGPU's do; real ones stand behind the tests in tests/gpu.
 */
import { describe, expect, it } from 'vitest';
import { pictureBytesOf, requestDevice } from '../../src/engine/gpu/device.ts';

const LIMITS = {
  maxStorageBuffersPerShaderStage: 10,
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxBufferSize: 2 ** 32,
  maxComputeWorkgroupStorageSize: 32768,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupsPerDimension: 65535,
};
const NVIDIA = { vendor: 'nvidia', architecture: 'ada', device: '', description: '' };

/** A `navigator.gpu` whose adapter is as given; `asked` receives what its device is asked for. */
function gpuWith({
  info = {},
  limits = {},
  features = [],
  asked = {},
}: {
  info?: Partial<GPUAdapterInfo>;
  limits?: Partial<typeof LIMITS>;
  features?: string[];
  asked?: GPUDeviceDescriptor;
}): GPU {
  const adapter = {
    info: { ...NVIDIA, isFallbackAdapter: false, ...info },
    limits: { ...LIMITS, ...limits },
    features: new Set(features),
    requestDevice: (descriptor: GPUDeviceDescriptor) => {
      Object.assign(asked, descriptor);
      return Promise.resolve({});
    },
  };
  return { requestAdapter: () => Promise.resolve(adapter) } as unknown as GPU;
}

describe('requestDevice', () => {
  it('says that WebGPU is missing', async () => {
    await expect(requestDevice(undefined)).rejects.toMatchObject({ code: 'no-webgpu' });
  });

  it('says that there is no adapter', async () => {
    const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    await expect(requestDevice(gpu)).rejects.toMatchObject({ code: 'no-adapter' });
  });

  it('refuses an adapter below what the kernels need, and names the limit', async () => {
    const gpu = gpuWith({ limits: { maxStorageBuffersPerShaderStage: 4 } });
    await expect(requestDevice(gpu)).rejects.toMatchObject({
      code: 'limits',
      details: { limit: 'maxStorageBuffersPerShaderStage', needed: 8, found: 4 },
    });
  });

  it('asks for all there is in buffer sizes and features, and for no more than needed elsewhere', async () => {
    const asked: GPUDeviceDescriptor = {};
    const gpu = gpuWith({
      features: ['shader-f16', 'timestamp-query', 'float32-blendable'],
      asked,
    });
    const { description } = await requestDevice(gpu);
    expect(asked.requiredFeatures).toEqual(['timestamp-query', 'shader-f16']);
    expect(asked.requiredLimits).toMatchObject({
      maxBufferSize: LIMITS.maxBufferSize,
      maxStorageBufferBindingSize: LIMITS.maxStorageBufferBindingSize,
      maxComputeInvocationsPerWorkgroup: 256,
    });
    expect(description).toEqual({
      vendor: 'nvidia',
      architecture: 'ada',
      description: 'nvidia ada',
      software: false,
      subgroupSize: 0,
      features: ['timestamp-query', 'shader-f16'],
    });
  });

  it.each([
    ['SwiftShader', { vendor: 'google', architecture: 'swiftshader' }],
    ['lavapipe', { vendor: 'mesa', description: 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)' }],
    ['WARP', { vendor: 'microsoft', architecture: 'warp' }],
    ['WARP by its driver', { vendor: '', description: 'Microsoft Basic Render Driver' }],
    ['a declared fallback', { vendor: '', isFallbackAdapter: true }],
  ])('knows %s as software', async (_, info) => {
    const { description } = await requestDevice(gpuWith({ info }));
    expect(description.software).toBe(true);
  });
});

describe('memory for pictures', () => {
  const of = (info: Partial<GPUAdapterInfo>, maxBufferSize = LIMITS.maxBufferSize) =>
    pictureBytesOf({
      adapterInfo: { ...NVIDIA, isFallbackAdapter: false, ...info },
      features: new Set(),
      limits: { ...LIMITS, maxBufferSize },
    } as unknown as GPUDevice);
  const MIB = 2 ** 20;

  it.each([
    ['a GPU', {}, 1024],
    ['a phone: Adreno', { vendor: 'qualcomm', architecture: 'adreno-7xx' }, 256],
    ['a phone: Mali', { vendor: 'arm', architecture: 'valhall' }, 256],
    ['SwiftShader', { vendor: 'google', architecture: 'swiftshader' }, 256],
    ['a fallback adapter', { isFallbackAdapter: true }, 256],
    ['a GPU whose name holds three letters of a phone', { vendor: 'charm' }, 1024],
  ])('%s', (_, info, mebibytes) => {
    expect(of(info)).toBe(mebibytes * MIB);
  });

  it('is no more than one buffer where that is little', () => {
    expect(of({}, 512 * MIB)).toBe(512 * MIB);
  });
});
