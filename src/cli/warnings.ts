/** What to know of a set before training on it, in the words of the command line. */
import type { DataWarning } from '../data/warnings.ts';

export function warningSentence(warning: DataWarning): string {
  switch (warning.kind) {
    case 'few-pictures': {
      const classes = warning.classes.map(({ name, count }) => `${name} (${count})`);
      return `classes with fewer than ${warning.expected} training pictures: ${classes.join(', ')}`;
    }
    case 'same-pictures':
      return `groups of pictures that are the same within one part of the set: ${warning.groups.length}`;
    case 'shared-pictures':
      return `groups of pictures that stand in both training and test set, whose error says less than it seems: ${warning.groups.length}`;
    case 'unreadable-pictures':
      return `files that could not be decoded and were left out: ${warning.names.join(', ')}`;
  }
}
