/**
 * The rule that holds the stair of imports must refuse what it is there to refuse: a rule that is
 * misconfigured passes everything and says nothing.
 */
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const stair = new ESLint({ overrideConfigFile: 'eslint.stair.js' });

async function findings(file: string, source: string): Promise<string[]> {
  const [result] = await stair.lintText(source, { filePath: file });
  return result!.messages.map(({ ruleId, message }) => ruleId ?? message);
}

describe('the stair of imports', () => {
  it.each([
    ['src/errors.ts', "import { uniform } from './random.ts';"],
    ['src/data/x.ts', "import { liveSettings } from '../lab/config.ts';"],
    ['src/ops/x.ts', "import { networkSpec } from '../network/spec.ts';"],
    ['src/network/x.ts', "import { Gpu } from '../engine/gpu/gpu.ts';"],
    ['src/engine/x.ts', "import { liveSettings } from '../lab/config.ts';"],
    ['src/engine/graph/x.ts', "export * from '../../lab/config.ts';"],
    ['src/engine/x.ts', "import type { Command } from '../worker/protocol.ts';"],
    ['src/engine/x.ts', "const lab = await import('../lab/config.ts');"],
    ['src/lab/config.ts', "import { Gpu } from '../engine/gpu/gpu.ts';"],
    ['src/library.ts', "import { Experiment } from './lab/experiment.ts';"],
    ['src/engine/x.ts', "import { Network } from '../library.ts';"],
    ['src/lab/x.ts', "import type { Command } from '../worker/protocol.ts';"],
    ['src/worker/protocol.ts', "import { requestDevice } from '../engine/gpu/device.ts';"],
    ['src/worker/client.ts', "import { requestDevice } from '../engine/gpu/device.ts';"],
    ['src/worker/x.ts', "import { machineDefaults } from '../app/store.ts';"],
    ['src/app/x.tsx', "import { Gpu } from '../engine/gpu/gpu.ts';"],
    ['src/app/x.tsx', "import type { Gpu } from '../engine/gpu/gpu.ts';"],
    ['src/app/parts/x.tsx', "import { openDevice } from '../../cli/adapter.ts';"],
  ])('refuses in %s: %s', async (file, source) => {
    expect(await findings(file, source)).toEqual(['boundaries/dependencies']);
  });

  it.each([
    ['src/engine/x.ts', "import { FathomError } from '../errors.ts';"],
    ['src/engine/graph/x.ts', "import { Gpu } from '../gpu/gpu.ts';"],
    ['src/lab/x.ts', "import { Gpu } from '../engine/gpu/gpu.ts';"],
    ['src/worker/protocol.ts', "import type { DeviceDescription } from '../engine/gpu/device.ts';"],
    ['src/app/x.tsx', "import type { Command } from '../worker/protocol.ts';"],
    ['src/app/x.tsx', "import { createLabClient } from '../worker/client.ts';"],
    ['src/cli/x.ts', "import { requestDevice } from '../engine/gpu/device.ts';"],
    ['src/cli/x.ts', "import { readFile } from 'node:fs/promises';"],
  ])('allows in %s: %s', async (file, source) => {
    expect(await findings(file, source)).toEqual([]);
  });

  it('refuses a file under src that has no place on the stair', async () => {
    expect(await findings('src/elsewhere/x.ts', '')).toEqual(['boundaries/no-unknown-files']);
  });

  it('refuses an import from outside src', async () => {
    const source = "import test from '../../tests/unit/stair.test.ts';";
    expect(await findings('src/engine/x.ts', source)).toEqual([
      'boundaries/no-unknown-dependencies',
    ]);
  });

  it('stands in the configuration that lint runs', async () => {
    const configuration = (await new ESLint().calculateConfigForFile('src/engine/network.ts')) as {
      rules: Record<string, [number]>;
    };
    expect(configuration.rules['boundaries/dependencies']?.[0]).toBe(2);
  });
});
