/**
 * From `navigator.gpu` (or Dawn's, in Node) to a device the engine can run on, and words for what it is.
 */
import { FathomError } from '../../errors.ts';

/** What a person should know about the adapter that computes. */
export interface DeviceDescription {
  vendor: string;
  architecture: string;
  description: string;
  /** True for SwiftShader, lavapipe, WARP: the app then chooses smaller defaults and says so. */
  software: boolean;
  /** Invocations of the narrowest subgroup; 0 where the adapter does not tell. */
  subgroupSize: number;
  /** The optional features that the device was given. */
  features: string[];
}

/**
 * What kernels count on. These are WebGPU's own defaults, which every conforming adapter has; an adapter
 * below them (a compatibility-mode one, say) is refused by name instead of failing in the middle of a step.
 */
const REQUIRED_LIMITS = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 128 * 1024 * 1024,
  maxBufferSize: 256 * 1024 * 1024,
  maxComputeWorkgroupStorageSize: 16 * 1024,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65535,
} as const;

/** Asked for up to what the adapter has, so that large data sets fit into few buffers. */
const RAISED_LIMITS = ['maxStorageBufferBindingSize', 'maxBufferSize'] as const;

/** Used where they are, never needed. */
const OPTIONAL_FEATURES: GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

/**
 * Asks for the fastest adapter and a device on it, with all it has in buffer sizes and optional features.
 *
 * @param gpu `navigator.gpu`; undefined where there is no WebGPU.
 * @throws FathomError `no-webgpu`, `no-adapter`, or `limits` (details: `limit`, `needed`, `found`).
 */
export async function requestDevice(
  gpu: GPU | undefined,
): Promise<{ device: GPUDevice; description: DeviceDescription }> {
  if (!gpu) {
    throw new FathomError('no-webgpu', 'WebGPU is not available here: navigator.gpu is missing');
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new FathomError(
      'no-adapter',
      'WebGPU is available, but it found no adapter (GPU driver)',
    );
  }
  const requiredFeatures = OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature));
  const description = describe(adapter.info, requiredFeatures);

  const requiredLimits: Record<string, number> = {};
  for (const limit of Object.keys(REQUIRED_LIMITS) as (keyof typeof REQUIRED_LIMITS)[]) {
    const needed = REQUIRED_LIMITS[limit];
    const found = adapter.limits[limit];
    if (found < needed) {
      throw new FathomError(
        'limits',
        `the adapter "${description.description}" gives ${limit} = ${found}, but ${needed} is needed`,
        { adapter: description.description, limit, needed, found },
      );
    }
    requiredLimits[limit] = needed;
  }
  for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit];

  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  return { device, description };
}

/** What a device says of its adapter; little, where it tells nothing of it. */
export function describeDevice(device: GPUDevice): DeviceDescription {
  const features = [...device.features];
  const info = device.adapterInfo as GPUAdapterInfo | undefined;
  return info
    ? describe(info, features)
    : { vendor: '', architecture: '', description: '', software: false, subgroupSize: 0, features };
}

/** Bytes that one buffer of kernels takes at most. */
export const bindableBytes = ({ limits }: GPUDevice): number =>
  Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);

/** Makers of GPUs that are found in phones, and share a phone's memory. */
const MOBILE = /qualcomm|adreno|\barm\b|mali|img-?tec|powervr|samsung/i;

/**
 * Bytes of memory that pictures may take on a device. WebGPU does not tell how much there is, so this is what leaves room on
 * any device of its kind: a gibibyte, or a quarter of one where the GPU's memory is the program's own; and one
 * buffer's worth where the adapter makes none so large.
 */
export function pictureBytesOf(device: GPUDevice): number {
  const { software, vendor, architecture, description } = describeDevice(device);
  const shared = software || MOBILE.test([vendor, architecture, description].join(' '));
  return Math.min(device.limits.maxBufferSize, shared ? 2 ** 28 : 2 ** 30);
}

function describe(info: GPUAdapterInfo, features: string[]): DeviceDescription {
  const { vendor, architecture, device, description } = info;
  return {
    vendor,
    architecture,
    description: description || device || [vendor, architecture].filter(Boolean).join(' '),
    software:
      info.isFallbackAdapter ||
      /swiftshader|llvmpipe|lavapipe|\bwarp\b|basic render|software/i.test(
        [vendor, architecture, device, description].join(' '),
      ),
    subgroupSize: info.subgroupMinSize ?? 0,
    features,
  };
}
