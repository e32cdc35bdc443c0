/** The headless runner as a person calls it: `npm run train -- …`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { experimentConfig } from '../../src/lab/config.ts';
import { template } from '../../src/network/templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'fathom-train-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TINY =
  '--networks plain-8,residual-8 --size 8 --width 4 --batch 8 --steps 6 --eval-every 3 --data cifar10:tests/fixtures/cifar10-tiny.tar.gz';

function train(args: string) {
  const command = ['--script', 'src/cli/train.ts', ...args.split(' ')];
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/vite-node', command, {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const file = (run: string, name: string) => readFileSync(join(folder, run, name), 'utf8');

describe('npm run train', () => {
  it('writes metrics and configuration; the same seed and the stored configuration repeat them bit for bit', () => {
    const first = train(`${TINY} --seed 3 --no-seconds --out ${folder}/first`);
    expect(first.stderr).not.toMatch(/error/i);
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/6\/6 .*plain-8 .*residual-8/);

    const lines = file('first', 'metrics.csv').trimEnd().split('\n');
    expect(lines[0]).toBe('network,iteration,train_loss,train_error,test_error,seconds');
    expect(lines.length).toBe(1 + 2 * 6);
    for (const line of lines.slice(1)) {
      expect(line).toMatch(/^(plain|residual)-8,\d,\d+\.\d+,[01](\.\d+)?,([01](\.\d+)?)?,$/);
    }
    const evaluated = lines.filter((line) => /,[01](\.\d+)?,$/.test(line) && !line.endsWith(',,'));
    expect(evaluated.map((line) => line.split(',')[1])).toEqual(['3', '6', '3', '6']);

    const config = experimentConfig.parse(JSON.parse(file('first', 'config.json')));
    expect(config).toMatchObject({ seed: 3, steps: 6, networks: ['plain-8', 'residual-8'] });

    // Streamed this time: where pictures lie changes nothing.
    const again = train(
      `--config ${folder}/first/config.json --picture-memory 0 --no-seconds --out ${folder}/again`,
    );
    expect(again.status).toBe(0);
    expect(first.stdout).not.toContain('streamed');
    expect(again.stdout).toMatch(/^streamed, .* 0 MiB .*: train, test$/m);
    expect(file('again', 'metrics.csv')).toBe(file('first', 'metrics.csv'));
    expect(file('again', 'config.json')).toBe(file('first', 'config.json'));

    const other = train(
      `--config ${folder}/first/config.json --seed 4 --no-seconds --out ${folder}/other`,
    );
    expect(other.status).toBe(0);
    expect(file('other', 'metrics.csv')).not.toBe(file('first', 'metrics.csv'));
  });

  it.each([
    ['--networks plain-9', '--networks'],
    ['--steps -3', '--steps'],
    ['--width 6', '--width'],
    ['--learning-rate fast', '--learning-rate'],
    ['--schedule soon', '--schedule'],
    ['--picture-memory -1', '--picture-memory'],
    ['--data nonsense', 'nonsense'],
    ['--data cifar10:/no/such/file', '/no/such/file'],
    ['--data cifar10:package.json', 'package.json'],
    ['--preset unknown', 'unknown'],
    ['--wing-span 3', '--wing-span'],
  ])('refuses %s by name before anything runs', (option, named) => {
    const { status, stdout, stderr } = train(`${option} --out ${folder}/refused`);
    expect(status).toBe(1);
    expect(stderr).toContain(named);
    expect(stdout).not.toContain('adapter:');
  });

  it('trains a network by hand, fitted to the images, and keeps it in the configuration', () => {
    const input = { channels: 1, height: 28, width: 28 };
    const spec = template('perceptron', { input, classes: 3 });
    writeFileSync(join(folder, 'mine.json'), JSON.stringify(spec));
    const first = train(
      `${TINY.replace('plain-8,', '')} --network ${folder}/mine.json --no-seconds --out ${folder}/hand`,
    );
    expect(first.stderr).not.toMatch(/error/i);
    expect(first.status).toBe(0);
    expect(file('hand', 'metrics.csv').match(/^mine,\d,/gm)).toHaveLength(6);
    expect(experimentConfig.parse(JSON.parse(file('hand', 'config.json')))).toMatchObject({
      networks: ['residual-8', 'mine'],
      custom: { mine: { classes: 3, input } },
    });
  });

  it('refuses a file of a network that cannot train, by name', () => {
    const spec = template('empty', { input: { channels: 3, height: 8, width: 8 }, classes: 10 });
    writeFileSync(join(folder, 'hollow.json'), JSON.stringify(spec));
    const { status, stderr } = train(`--network ${folder}/hollow.json --out ${folder}/refused`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/--network: hollow: .*10 logits/);
  });

  it('keeps the rows of a run that is interrupted', async () => {
    const args = `--networks plain-8 --size 8 --width 4 --batch 8 --steps 60000 --eval-every 10000 --out ${folder}/cut`;
    const run = spawn('node_modules/.bin/vite-node', [
      '--script',
      'src/cli/train.ts',
      ...args.split(' '),
    ]);
    // A second one would end it at once.
    let sent = false;
    run.stdout.on('data', (text) => {
      if (!sent && /\d+\/60000/.test(String(text))) sent = run.kill('SIGINT');
    });
    const [status] = (await once(run, 'exit')) as [number];
    expect(status).toBe(130);
    const lines = file('cut', 'metrics.csv').trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThan(60_000);
  });

  it('refuses a configuration file with a setting it does not know', () => {
    writeFileSync(join(folder, 'unknown.json'), '{ "steps": 12, "dropout": 0.5 }');
    const { status, stderr } = train(`--config ${folder}/unknown.json --out ${folder}/refused`);
    expect(status).toBe(1);
    expect(stderr).toContain('unknown.json: there is no setting named dropout');
  });

  it('says what is wrong with a configuration file', () => {
    writeFileSync(join(folder, 'broken.json'), '{ "steps": 12');
    const { status, stderr } = train(`--config ${folder}/broken.json --out ${folder}/refused`);
    expect(status).toBe(1);
    expect(stderr).toContain('broken.json');
  });

  it('says how to get an adapter where there is none', () => {
    const { status, stderr } = train(`${TINY} --adapter /no/such/icd.json --out ${folder}/refused`);
    expect(status).toBe(1);
    expect(stderr).toContain('no WebGPU adapter was found');
    expect(stderr).toContain('apt-get install');
  });
});
