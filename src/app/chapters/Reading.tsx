import type { ReactNode } from 'react';

/** A number and what it is, in a list of readings. */
export function Reading({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
