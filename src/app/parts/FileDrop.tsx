import { FileUp } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { droppedFiles } from '../files.ts';
import type { NamedBlob } from '../../worker/protocol.ts';

const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;

/** The whole page takes dropped files and folders, and says so while they hang over it. */
export function FileDrop({ onFiles }: { onFiles: (files: NamedBlob[]) => void }) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);

  useEffect(() => {
    const stop = new AbortController();
    const listen = (type: 'dragover' | 'dragleave' | 'drop', handle: (event: DragEvent) => void) =>
      window.addEventListener(type, handle, { signal: stop.signal });
    listen('dragover', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    });
    listen('dragleave', (event) => {
      if (event.relatedTarget === null) setOver(false);
    });
    listen('drop', (event) => {
      setOver(false);
      if (!carriesFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(onFiles);
    });
    return () => stop.abort();
  }, [onFiles]);

  return over ? (
    <div className="drop">
      <div>
        <FileUp aria-hidden size={40} />
        <p>{t('data.drop')}</p>
      </div>
    </div>
  ) : null;
}
