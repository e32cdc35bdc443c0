import { FileUp, FolderUp } from 'lucide-react';
import { useId } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { NamedBlob } from '../../worker/protocol.ts';
import { pickedFiles } from '../files.ts';
import { Progress } from './Progress.tsx';
import { useData } from './state.ts';

/** Sets from the reader's own files; dropped ones are taken anywhere on the page. */
export function FileSource({ onFiles }: { onFiles: (files: NamedBlob[]) => void }) {
  const { t } = useTranslation('data');
  const loading = useData((state) => state.loading);
  return (
    <section className="card" aria-labelledby="sets-files">
      <h3 id="sets-files">{t('files.title')}</h3>
      <p>{t('files.hint')}</p>
      {loading?.source === 'files' ? (
        <Progress step={loading.step} />
      ) : (
        <div className="pickers">
          <Picker onFiles={onFiles} disabled={loading !== null}>
            <FileUp aria-hidden size={16} />
            {t('files.pick')}
          </Picker>
          <Picker onFiles={onFiles} disabled={loading !== null} folder>
            <FolderUp aria-hidden size={16} />
            {t('files.folder')}
          </Picker>
        </div>
      )}
      <details>
        <summary>{t('files.formats')}</summary>
        <ul className="formats">
          <li>{t('files.cifar')}</li>
          <li>{t('files.mnist')}</li>
          <li>{t('files.arrays')}</li>
          <li>{t('files.images')}</li>
        </ul>
      </details>
    </section>
  );
}

function Picker(props: {
  onFiles: (files: NamedBlob[]) => void;
  disabled: boolean;
  folder?: boolean;
  children: ReactNode;
}) {
  const { onFiles, disabled, folder = false, children } = props;
  const id = useId();
  return (
    <span className="pick">
      <input
        id={id}
        type="file"
        multiple
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
