/**
 * WebGPU in Node: Dawn (the npm package `webgpu`) on the machine's own GPU, or on a software adapter
 * where there is none.
 *
 * On Linux Dawn reaches adapters through Vulkan, whose loader takes its drivers from the manifests
 * ("ICD files") named in VK_ICD_FILENAMES, or from the system's folders where that is not set. The
 * software adapters are such drivers: Mesa's lavapipe, and the SwiftShader that comes with Chromium.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requestDevice } from '../engine/gpu/device.ts';
import type { DeviceDescription } from '../engine/gpu/device.ts';
import { FathomError } from '../errors.ts';
import { waitPatiently } from './patience.ts';

/** A way to an adapter: the drivers that the system has, or the one of an ICD file. */
interface Candidate {
  name: string;
  icd: string | null;
}

/**
 * Opens a device on Dawn and makes WebGPU's globals (`GPUBufferUsage`, …) known.
 *
 * @param adapter `default` (the system's own drivers), `lavapipe`, `swiftshader` or the path of an ICD
 *   file, or several of them with commas between, of which the first that works is taken. Where it is
 *   absent, FATHOM_ADAPTER decides; where that is absent too, all are tried in this order.
 * @throws FathomError `no-adapter`, with all that was tried and how to get an adapter; `limits`.
 */
export async function openDevice(
  adapter: string | undefined = process.env.FATHOM_ADAPTER,
): Promise<{ device: GPUDevice; description: DeviceDescription }> {
  const tried: string[] = [];
  for (const candidate of candidates(adapter)) {
    const failure = probe(candidate);
    if (failure === null) return open(candidate);
    tried.push(`${label(candidate)}: ${failure}`);
  }
  throw new FathomError(
    'no-adapter',
    [
      `no WebGPU adapter was found${adapter ? ` for "${adapter}"` : ''}. Tried:`,
      ...(tried.length > 0 ? tried : ['no driver of that name is installed']).map((t) => `  ${t}`),
      HOW_TO_GET_ONE,
    ].join('\n'),
    { tried: tried.join('; ') },
  );
}

const HOW_TO_GET_ONE = `A GPU needs its vendor's driver; macOS (Metal) and Windows (Direct3D 12) bring theirs along.
Without a GPU, a software adapter does, more slowly:
  Debian         apt-get install libvulkan1 chromium
  Ubuntu         apt-get install libvulkan1 mesa-vulkan-drivers
  other Linux    your distribution's Vulkan loader, and: npx playwright install --with-deps chromium
  Windows        the WARP adapter that Windows 10 and 11 have; install pending updates
  any other      FATHOM_ADAPTER=/path/to/icd.json names a Vulkan driver of yours`;

function label({ name, icd }: Candidate): string {
  return icd && icd !== name ? `${name} (${icd})` : name;
}

function candidates(adapter: string | undefined): Candidate[] {
  const software = (name: string, files: string[]): Candidate[] =>
    files.filter((icd) => existsSync(icd)).map((icd) => ({ name, icd }));
  const known: Record<string, () => Candidate[]> = {
    default: () => [{ name: 'default', icd: null }],
    lavapipe: () => software('lavapipe', lavapipeFiles()),
    swiftshader: () => software('swiftshader', swiftshaderFiles()),
  };
  if (!adapter) return Object.values(known).flatMap((list) => list());
  return adapter.split(',').flatMap((name) => known[name]?.() ?? [{ name, icd: name }]);
}

function lavapipeFiles(): string[] {
  const folders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
  return folders.flatMap((folder) =>
    entries(folder, /^lvp_icd.*\.json$/).map((file) => join(folder, file)),
  );
}

/** Where browsers keep SwiftShader's manifest: distributions' Chromium, Chrome, Playwright's own. */
function swiftshaderFiles(): string[] {
  const playwright =
    process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache', 'ms-playwright');
  const folders = [
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/usr/lib64/chromium-browser',
    '/opt/google/chrome',
    ...entries(playwright, /^chromium/).flatMap((version) =>
      entries(join(playwright, version), /linux/).map((build) => join(playwright, version, build)),
    ),
  ];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json'));
}

function entries(folder: string, pattern: RegExp): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];
}

/** What Dawn's Vulkan loader is to see of the environment. VK_DRIVER_FILES would outrank the other. */
function environment({ icd }: Candidate): Record<string, string | undefined> {
  return icd ? { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: undefined } : {};
}

/**
 * Whether this candidate gives a device: null, or why not. In a process of its own, since old drivers
 * (the lavapipe of Mesa 22, say) may crash instead of failing.
 */
function probe(candidate: Candidate): string | null {
  if (candidate.icd && !existsSync(candidate.icd)) return 'there is no such file';
  const dawn = pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;
  const program = `
    const { create } = await import(${JSON.stringify(dawn)});
    const gpu = create([]);
    const adapter = await gpu.requestAdapter();
    const device = await adapter?.requestDevice();
    console.log(device ? 'found' : 'none');
    process.exit();`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...environment(candidate) },
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (child.stdout.includes('found')) return null;
  if (child.stdout.includes('none')) return 'no adapter';
  if (child.error) return child.error.message;
  if (child.signal) return `the driver crashed (${child.signal})`;
  return /^\w*Error: .*$/m.exec(child.stderr)?.[0] ?? `failed with exit code ${child.status}`;
}

/** Dawn stops working when its `GPU` object is collected, and keeps Node alive when it never is. */
const dawnOf = new WeakMap<GPUDevice, GPU>();

async function open(
  candidate: Candidate,
): Promise<{ device: GPUDevice; description: DeviceDescription }> {
  for (const [name, value] of Object.entries(environment(candidate))) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const opened = await requestDevice(gpu);
  if (opened.description.software) waitPatiently();
  dawnOf.set(opened.device, gpu);
  return opened;
}
