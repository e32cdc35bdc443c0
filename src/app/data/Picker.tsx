import { useId } from 'react';
import type { ReactNode } from 'react';
import type { NamedBlob } from '../../worker/protocol.ts';
import { pickedFiles } from '../files.ts';

/** A button that asks for files, or for a folder with all that lies in it. */
export function Picker(props: {
  onFiles: (files: NamedBlob[]) => void;
  /** Kinds of files that are offered. */
  accept?: string;
  disabled?: boolean;
  folder?: boolean;
  children: ReactNode;
}) {
  const { onFiles, accept, disabled = false, folder = false, children } = props;
  const id = useId();
  return (
    <span className="pick">
      <input
        id={id}
        type="file"
        multiple
        accept={accept}
        disabled={disabled}
        className="visually-hidden"
        {...(folder ? { webkitdirectory: '' } : {})}
        onChange={(event) => {
          onFiles(pickedFiles(event.target.files));
          event.target.value = '';
        }}
      />
      <label htmlFor={id} className="button">
        {children}
      </label>
    </span>
  );
}
