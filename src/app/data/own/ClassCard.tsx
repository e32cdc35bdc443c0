import { CircleDot, ImagePlus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from 'zustand';
import type { Fit } from '../../../data/resize.ts';
import { IconButton } from '../../parts/controls.tsx';
import { Picker } from '../Picker.tsx';
import { collection } from './collection.ts';
import type { OwnClass } from './collection.ts';

/** Images of a class that are shown before all are asked for. */
const FEW = 24;

interface ClassCardProps {
  own: OwnClass;
  /** The key that takes pictures for it, up to 9. */
  number: number;
  fit: Fit;
  shooting: boolean;
  /** Takes pictures while held; absent while the camera is off. */
  camera?: { begin: () => void; end: () => void };
}

/** One class: its name, its images, and ways to more of them. */
export function ClassCard({ own, number, fit, shooting, camera }: ClassCardProps) {
  const { t } = useTranslation('data');
  const { addTo, removeClass } = useStore(collection);
  const [all, setAll] = useState(false);
  const { id, name, images } = own;
  const used = images.filter((image) => image.used).length;
  const shown = all ? images : images.slice(-FEW);
  const hidden = images.length - shown.length;

  return (
    <li className="own-class" aria-label={name} data-shooting={shooting}>
      <div className="own-name">
        <Name own={own} />
        <IconButton name={t('own.remove', { name })} onClick={() => removeClass(id)}>
          <Trash2 aria-hidden size={16} />
        </IconButton>
      </div>
      <p className="quietly" role="status">
        {used === images.length
          ? t('own.count', { used })
          : t('own.countOf', { used, total: images.length })}
      </p>
      <div className="own-tools">
        {camera && (
          <button type="button" className="primary" aria-pressed={shooting} {...held(camera)}>
            <CircleDot aria-hidden size={16} />
            {t('own.shoot')}
            {number <= 9 && <kbd>{number}</kbd>}
          </button>
        )}
        <Picker accept="image/*,.zip" onFiles={(files) => void addTo(id, files)}>
          <ImagePlus aria-hidden size={16} />
          {t('own.images')}
        </Picker>
      </div>
      <Thumbnails images={shown} name={name} first={hidden} fit={fit} />
      {hidden > 0 && (
        <button type="button" className="own-all" onClick={() => setAll(true)}>
          {t('own.all', { total: images.length })}
        </button>
      )}
    </li>
  );
}

/** A name counts when it is left, or on Enter. */
function Name({ own: { id, name } }: { own: OwnClass }) {
  const { t } = useTranslation('data');
  const rename = useStore(collection, (state) => state.rename);
  const [text, setText] = useState<string | null>(null);
  const leave = () => {
    if (text !== null) rename(id, text);
    setText(null);
  };
  return (
    <input
      type="text"
      aria-label={t('own.rename', { name })}
      value={text ?? name}
      maxLength={60}
      spellCheck={false}
      onChange={(event) => setText(event.target.value)}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Enter') leave();
        if (event.key === 'Escape') setText(null);
      }}
    />
  );
}

/** Images as they will be square; a click leaves one out, or takes it in again. */
function Thumbnails(props: {
  images: OwnClass['images'];
  name: string;
  /** How many of the class come before them. */
  first: number;
  fit: Fit;
}) {
  const { images, name, first, fit } = props;
  const { t } = useTranslation('data');
  const use = useStore(collection, (state) => state.use);
  return (
    <ul className="own-images" data-fit={fit}>
      {images.map(({ id, url, used }, index) => (
        <li key={id}>
          <button
            type="button"
            aria-pressed={used}
            aria-label={t('own.image', { name, number: first + index + 1 })}
            title={t(used ? 'own.leaveOut' : 'own.takeIn')}
            onClick={() => use(new Set([id]), !used)}
          >
            <img src={url} alt="" loading="lazy" decoding="async" />
            {!used && <span aria-hidden>×</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Acts while a button is held, by pointer or key. */
function held({ begin, end }: { begin: () => void; end: () => void }) {
  const isPress = ({ key }: KeyboardEvent) => key === ' ' || key === 'Enter';
  return {
    onPointerDown: begin,
    onPointerUp: end,
    onPointerLeave: end,
    onPointerCancel: end,
    onBlur: end,
    onContextMenu: (event: { preventDefault: () => void }) => event.preventDefault(),
    onKeyDown: (event: KeyboardEvent) => {
      if (isPress(event) && !event.repeat) begin();
    },
    onKeyUp: (event: KeyboardEvent) => {
      if (isPress(event)) end();
    },
  };
}
