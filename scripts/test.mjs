/**
 * All tests, stage by stage: `npm test`, or some of them: `node scripts/test.mjs types unit`.
 *
 * A stage that fails does not keep the others from running, except those that need what it makes. The
 * last line, `N passed, N failed`, adds up the tests of all stages; types, lint and build count one each.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} command run by the shell, with the project's own tools in its path
 * @property {boolean} [light] needs nothing of the others, so that all such stages run at the same time
 * @property {boolean} [setup] prepares others and tests nothing itself
 * @property {(output: string) => Counts} [counts] reads how many tests passed and failed; absent where
 *   the exit status says it all
 * @property {string} [needs] the stage without which this one can tell nothing
 * @property {Record<string, string>} [env]
 * @property {number} [seconds] what it took, once it has been run
 */

/**
 * Where there is no GPU, kernels are tested on SwiftShader, which comes with the browser: tests compile
 * hundreds of small kernels, which it does several times as fast as lavapipe, the next choice.
 * FATHOM_ADAPTER decides otherwise.
 */
const hasGpu =
  process.platform !== 'linux' || existsSync('/dev/dri') || existsSync('/dev/nvidiactl');
process.env.FATHOM_ADAPTER ??= hasGpu ? '' : 'swiftshader,lavapipe';

const reports = mkdtempSync(join(tmpdir(), 'fathom-test-'));

/** @type {Stage[]} */
const STAGES = [
  { name: 'types', command: 'tsc --noEmit', light: true },
  { name: 'lint', command: 'npm run --silent lint', light: true },
  { ...vitest('unit'), light: true },
  // The browser brings a software adapter for the stages in Node as well, so it comes before them.
  { name: 'browser', command: 'node scripts/browser.mjs', setup: true },
  vitest('gpu'),
  vitest('chromium', '--config vitest.browser.config.ts'),
  {
    name: 'conformance',
    command: 'npm run --silent conformance -- tests/conformance',
    counts: conformanceCounts,
  },
  { name: 'build', command: 'vite build --logLevel warn' },
  {
    name: 'e2e',
    command: 'playwright test --reporter=list,json',
    env: { PLAYWRIGHT_JSON_OUTPUT_FILE: join(reports, 'e2e.json') },
    counts: playwrightCounts,
    needs: 'build',
  },
];

/**
 * @param {string} project
 * @param {string} [where]
 * @returns {Stage}
 */
function vitest(project, where = `--project ${project}`) {
  const file = join(reports, `${project}.json`);
  return {
    name: project,
    command: `vitest run ${where} --reporter=default --reporter=json --outputFile.json=${file}`,
    counts: () => {
      const report = JSON.parse(readFileSync(file, 'utf8'));
      // A file that cannot be loaded is a failed suite without a failed test.
      const failed = report.numFailedTests || report.numFailedTestSuites;
      const skipped = report.numPendingTests + report.numTodoTests;
      return { passed: report.numPassedTests, failed, skipped };
    },
  };
}

/** @returns {Counts} */
function playwrightCounts() {
  const { stats } = JSON.parse(readFileSync(join(reports, 'e2e.json'), 'utf8'));
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped };
}

/**
 * @param {string} output
 * @returns {Counts}
 */
function conformanceCounts(output) {
  const match = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output);
  if (!match) throw new Error('the closing line of the conformance run is missing');
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
}

/**
 * Runs a command to its end. What it prints goes to the terminal as well, unless it is one of several.
 *
 * @param {Stage} stage
 * @returns {Promise<{ status: number | null, output: string, seconds: number }>}
 */
function run({ command, env, light }) {
  const tools = join(process.cwd(), 'node_modules', '.bin');
  const start = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', light ? 'pipe' : 'inherit'],
      env: { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}`, ...env },
    });
    let output = '';
    const hear = (/** @type {Buffer} */ chunk) => {
      if (!light) process.stdout.write(chunk);
      output += chunk;
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('close', (status) => {
      resolve({ status, output, seconds: (performance.now() - start) / 1000 });
    });
  });
}

/**
 * What a stage came to. An exit status that says "failed" is believed, whatever the counts say.
 *
 * @param {Stage} stage
 * @returns {Promise<Counts>}
 */
async function countsOf(stage) {
  const { status, output, seconds } = await (running.get(stage) ?? run(stage));
  stage.seconds = seconds;
  if (stage.light) process.stdout.write(output);
  if (stage.setup && status === 0) return { passed: 0, failed: 0, skipped: 0 };
  if (!stage.counts)
    return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  const counts = stage.counts(output);
  if (status === 0 && counts.passed + counts.failed === 0) throw new Error('no test was run');
  return { ...counts, failed: status === 0 ? counts.failed : Math.max(1, counts.failed) };
}

const names = process.argv.slice(2);
const unknown = names.find((name) => !STAGES.some((stage) => stage.name === name));
if (unknown !== undefined) {
  console.error(`no stage "${unknown}"; stages: ${STAGES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const total = { passed: 0, failed: 0 };
/** @type {string[]} */
const lines = [];
/** @type {Set<string | undefined>} */
const broken = new Set();

const chosen = STAGES.filter(({ name }) => names.length === 0 || names.includes(name));
/** Light stages, which have all been started; what they print is shown when their turn comes. */
const running = new Map(chosen.filter(({ light }) => light).map((stage) => [stage, run(stage)]));

for (const stage of chosen) {
  console.log(`\n── ${stage.name} ${'─'.repeat(76 - stage.name.length)}`);
  let counts = { passed: 0, failed: 1, skipped: 0 };
  let note = '';
  try {
    if (broken.has(stage.needs)) throw new Error(`not run, since ${stage.needs} failed`);
    counts = await countsOf(stage);
  } catch (error) {
    note = `: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (counts.failed > 0) broken.add(stage.name);
  total.passed += counts.passed;
  total.failed += counts.failed;

  const sign = counts.failed > 0 ? '✗' : '✓';
  const seconds = (stage.seconds ?? 0).toFixed(1).padStart(6);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const line = `${sign} ${stage.name.padEnd(11)} ${seconds} s   ${counts.passed} passed, ${counts.failed} failed${skipped}${note}`;
  lines.push(line);
  console.log(line);
}
rmSync(reports, { recursive: true });

console.log(`\n${lines.join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
