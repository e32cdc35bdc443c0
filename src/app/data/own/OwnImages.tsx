import { Camera, CameraOff, FolderUp, ImagePlus, Plus, Undo2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { Failure } from '../../../worker/protocol.ts';
import { errorSentence } from '../../i18n/index.ts';
import { Picker } from '../Picker.tsx';
import { isMirrored, useCamera } from '../../camera.ts';
import { ClassCard } from './ClassCard.tsx';
import { collection } from './collection.ts';
import { MakeSet } from './MakeSet.tsx';
import { DEFAULTS } from './options.ts';
import { useShots } from './useShots.ts';
import './own.css';

/** One's own images: from folders, zips and the camera, sorted into classes, made a set. */
export function OwnImages() {
  const { t } = useTranslation('data');
  const { classes, removed, failure, addClass, addFolders, restore } = useStore(collection);
  const camera = useCamera();
  const video = useRef<HTMLVideoElement>(null);
  const shots = useShots(video);
  const [options, setOptions] = useState(DEFAULTS);
  const { stream } = camera;

  const newClass = () => {
    const names = new Set(classes.map(({ name }) => name));
    let number = 1;
    while (names.has(t('own.className', { number }))) number++;
    addClass(t('own.className', { number }));
  };
  const openCamera = async () => {
    while (collection.getState().classes.length < 2) {
      addClass(t('own.className', { number: collection.getState().classes.length + 1 }));
    }
    await camera.open();
  };
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  useNumberKeys(stream !== null, classes, shots);

  return (
    <article className="own" aria-labelledby="own-title">
      <header>
        <div>
          <h2 id="own-title">{t('own.title')}</h2>
          <p>{t('own.lead')}</p>
        </div>
      </header>
      <div className="own-sources">
        <Picker onFiles={(files) => void addFolders(files)} folder>
          <FolderUp aria-hidden size={16} />
          {t('own.folder')}
        </Picker>
        <Picker onFiles={(files) => void addFolders(files)} accept=".zip">
          <ImagePlus aria-hidden size={16} />
          {t('own.zip')}
        </Picker>
        {stream ? (
          <button type="button" onClick={camera.close}>
            <CameraOff aria-hidden size={16} />
            {t('own.cameraOff')}
          </button>
        ) : (
          <button type="button" onClick={() => void openCamera()}>
            <Camera aria-hidden size={16} />
            {t('own.cameraOn')}
          </button>
        )}
      </div>
      {camera.failure && (
        <p className="note" role="alert">
          {t(`own.camera.${camera.failure}`)}
        </p>
      )}
      {failure !== null && (
        <p className="note" role="alert">
          {errorSentence(failure as Failure)}
        </p>
      )}
      {stream && (
        <div className="own-camera">
          <video
            ref={video}
            autoPlay
            muted
            playsInline
            aria-label={t('own.view')}
            data-mirrored={isMirrored(stream)}
            data-fit={options.fit}
          />
          <p>{t('own.hold')}</p>
        </div>
      )}
      <ul className="own-classes">
        {classes.map((own, index) => (
          <ClassCard
            key={own.id}
            own={own}
            number={index + 1}
            fit={options.fit}
            shooting={shots.shooting === own.id}
            {...(stream && { camera: { begin: () => shots.begin(own.id), end: shots.end } })}
          />
        ))}
        <li className="own-more">
          <button type="button" onClick={newClass}>
            <Plus aria-hidden size={16} />
            {t('own.add')}
          </button>
          {removed && (
            <button type="button" onClick={restore}>
              <Undo2 aria-hidden size={16} />
              {t('own.restore', { name: removed.name })}
            </button>
          )}
        </li>
      </ul>
      {classes.length > 0 && <MakeSet classes={classes} options={options} onOptions={setOptions} />}
    </article>
  );
}

/** While the camera is on, holding the key 1 takes pictures for the first class, and so on. */
function useNumberKeys(
  on: boolean,
  classes: readonly { id: number }[],
  { begin, end }: Pick<ReturnType<typeof useShots>, 'begin' | 'end'>,
) {
  useEffect(() => {
    if (!on) return;
    const down = ({ key, repeat, target, ctrlKey, metaKey, altKey }: KeyboardEvent) => {
      const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
      const own = /^[1-9]$/.test(key) ? classes[Number(key) - 1] : undefined;
      if (own && !repeat && !typing && !ctrlKey && !metaKey && !altKey) begin(own.id);
    };
    const up = ({ key }: KeyboardEvent) => {
      if (/^[1-9]$/.test(key)) end();
    };
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', up);
    return () => {
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', up);
    };
  }, [on, classes, begin, end]);
}
