/**
 * `npm run conformance -- DIR`: computes every conformance case below DIR and compares. One line for
 * each case that fails or is skipped, then `N passed, M failed, K skipped`.
 *
 * Exit status: 0 all well, 1 a case failed, 2 nothing could be run (a file that is not a case, no
 * such backend, wrong options).
 */
import { Command, CommanderError, Option } from 'commander';
import { BACKENDS, openBackend } from '../conformance/backends.ts';
import { openDevice } from './adapter.ts';
import { readSuite } from './suite.ts';
import type { ConformanceCase } from '../conformance/format.ts';
import { runCase } from '../conformance/run.ts';
import { FathomError } from '../errors.ts';

interface Options {
  only?: string;
  list?: boolean;
  backend: (typeof BACKENDS)[number];
}

const program = new Command('conformance')
  .description(
    'Compares the kernels with vectors that others made; see tests/conformance/FORMAT.md.',
  )
  .argument('<dir>', 'directory with cases')
  .option('--only <name>', 'run the case of this name only')
  .option('--list', 'print the names of the cases and run none')
  .addOption(
    new Option('--backend <name>', 'what computes: the GPU kernels or the float64 TypeScript ops')
      .choices(BACKENDS)
      .default('gpu'),
  )
  .exitOverride()
  .action(async (directory: string, options: Options) => {
    const cases = await selectCases(directory, options.only);
    if (options.list) {
      for (const { name } of cases) console.log(name);
    } else {
      process.exitCode = (await runAll(cases, options.backend)) > 0 ? 1 : 0;
    }
  });

/** The cases below a directory. Throws when a file is not a case or no case has the name. */
async function selectCases(directory: string, only?: string): Promise<ConformanceCase[]> {
  const { cases, faults } = await readSuite(directory);
  if (faults.length > 0) throw new FathomError('conformance-file', faults.join('\n'));
  const selected = only === undefined ? cases : cases.filter(({ name }) => name === only);
  if (selected.length === 0) {
    const what = only === undefined ? 'no case' : `no case named "${only}"; --list shows the names`;
    throw new FathomError('conformance-empty', `${directory}: ${what}`, { directory });
  }
  return selected;
}

/** Runs the cases, prints what is worth a line, and returns how many failed. */
async function runAll(cases: ConformanceCase[], backendName: Options['backend']): Promise<number> {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const backend = await openBackend(backendName, () => openDevice());
  try {
    for (const given of cases) {
      const outcome = await runCase(backend, given);
      tally[outcome.status]++;
      if (outcome.status === 'failed') console.log(`FAILED ${given.name}: ${outcome.reason}`);
      if (outcome.status === 'skipped') console.log(`skipped ${given.name}: ${outcome.reason}`);
    }
  } finally {
    await backend.close?.();
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  return tally.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof FathomError) {
    console.error(error.message);
    process.exitCode = 2;
  } else {
    throw error;
  }
}
