/** Finds the cases of a suite on disk. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { FathomError } from '../errors.ts';
import { notACase, parseCase } from '../conformance/format.ts';
import type { ConformanceCase } from '../conformance/format.ts';

export interface Suite {
  /** In the order of their files' names. */
  cases: ConformanceCase[];
  /** One line for each file that is not a case: which, and what is wrong with it. */
  faults: string[];
}

/**
 * Reads every case below a directory. Documentation (`.md`) and hidden files are passed over; any
 * other file must be a case or the data of one.
 *
 * @throws FathomError when the directory cannot be read
 */
export async function readSuite(directory: string): Promise<Suite> {
  const suite: Suite = { cases: [], faults: [] };
  const dataFiles = new Set<string>();
  const files = await listFiles(directory);
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const readData = async (name: string): Promise<Uint8Array> => {
      const beside = path.join(path.dirname(file), name);
      dataFiles.add(beside);
      try {
        return await readFile(path.join(directory, beside));
      } catch {
        throw notACase(`its data file ${name} cannot be read`);
      }
    };
    try {
      const text = await readFile(path.join(directory, file), 'utf8');
      suite.cases.push(await parseCase(text, readData));
    } catch (error) {
      suite.faults.push(`${path.join(directory, file)}: ${reason(error)}`);
    }
  }
  for (const file of files.filter((name) => !name.endsWith('.json') && !dataFiles.has(name))) {
    suite.faults.push(
      `${path.join(directory, file)}: neither a case (.json) nor the data file of one`,
    );
  }
  return suite;
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
      .filter((name) => !name.endsWith('.md') && !/(^|[/\\])\./.test(name))
      .toSorted();
  } catch (error) {
    throw new FathomError('conformance-directory', `${directory}: ${reason(error)}`, { directory });
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
