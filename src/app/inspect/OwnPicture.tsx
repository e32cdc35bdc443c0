import { Camera, Eraser, ImageUp, Pencil } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCamera } from '../camera.ts';
import { shrink } from './own.ts';
import type { PictureFormat } from './own.ts';

interface OwnPictureProps {
  format: PictureFormat;
  onPicture: (bytes: Uint8Array) => void;
}

/** Ways to a picture of one's own: from a file, drawn, or from the camera. */
export function OwnPicture({ format, onPicture }: OwnPictureProps) {
  const { t } = useTranslation('inspect');
  const [way, setWay] = useState<'draw' | 'camera' | null>(null);
  const [unread, setUnread] = useState(false);
  const file = useRef<HTMLInputElement>(null);

  const read = async (blob: Blob | undefined) => {
    if (!blob) return;
    try {
      const image = await createImageBitmap(blob);
      setUnread(false);
      onPicture(shrink(image, [image.width, image.height], format));
    } catch {
      setUnread(true);
    }
  };
  const toggle = (next: typeof way) => setWay(way === next ? null : next);
  return (
    <div
      className="inspect-own"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        void read(event.dataTransfer.files[0]);
      }}
    >
      <input
        ref={file}
        type="file"
        accept="image/*"
        hidden
        aria-label={t('own.file')}
        onChange={(event) => {
          void read(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
      <button type="button" onClick={() => file.current?.click()}>
        <ImageUp aria-hidden size={16} />
        {t('own.file')}
      </button>
      <button type="button" aria-pressed={way === 'draw'} onClick={() => toggle('draw')}>
        <Pencil aria-hidden size={16} />
        {t('own.draw')}
      </button>
      <button type="button" aria-pressed={way === 'camera'} onClick={() => toggle('camera')}>
        <Camera aria-hidden size={16} />
        {t('own.camera')}
      </button>
      {unread && <p role="alert">{t('own.unread')}</p>}
      {way === 'draw' && <Pad format={format} onPicture={onPicture} />}
      {way === 'camera' && <Lens format={format} onPicture={onPicture} />}
    </div>
  );
}

const SIDE = 200;

/** Bright strokes on a dark ground, as the built-in pictures are. */
function Pad({ format, onPicture }: OwnPictureProps) {
  const { t } = useTranslation('inspect');
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<readonly [number, number]>([0, 0]);
  const clear = () => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.fillStyle = '#101010';
    context.fillRect(0, 0, SIDE, SIDE);
  };
  useEffect(clear, []);
  const give = () => {
    if (canvas.current) onPicture(shrink(canvas.current, [SIDE, SIDE], format));
  };
  const placeOf = ({ nativeEvent, currentTarget }: React.PointerEvent<HTMLCanvasElement>) => {
    const scale = SIDE / currentTarget.getBoundingClientRect().width;
    return [scale * nativeEvent.offsetX, scale * nativeEvent.offsetY] as const;
  };
  const stroke = (event: React.PointerEvent<HTMLCanvasElement>) => {
    const context = event.currentTarget.getContext('2d');
    if (!context || event.buttons === 0) return;
    const to = placeOf(event);
    context.strokeStyle = '#f4f4f4';
    context.lineWidth = 18;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(...last.current);
    context.lineTo(...to);
    context.stroke();
    last.current = to;
  };
  return (
    <>
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
        className="inspect-pad"
        role="img"
        aria-label={t('own.pad')}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = placeOf(event);
          stroke(event);
        }}
        onPointerMove={stroke}
        onPointerUp={give}
      />
      <button
        type="button"
        onClick={() => {
          clear();
          give();
        }}
      >
        <Eraser aria-hidden size={16} />
        {t('own.clear')}
      </button>
    </>
  );
}

/** What the camera sees, until a picture is taken. */
function Lens({ format, onPicture }: OwnPictureProps) {
  const { t } = useTranslation('inspect');
  const video = useRef<HTMLVideoElement>(null);
  const { stream, failure, open } = useCamera(true);
  useEffect(() => void open(), [open]);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  if (failure) return <p role="alert">{t('own.noCamera')}</p>;
  return (
    <>
      <video ref={video} autoPlay muted playsInline aria-label={t('own.camera')} />
      <button
        type="button"
        onClick={() => {
          const { current } = video;
          if (!current || current.videoWidth === 0) return;
          onPicture(shrink(current, [current.videoWidth, current.videoHeight], format));
        }}
      >
        <Camera aria-hidden size={16} />
        {t('own.take')}
      </button>
    </>
  );
}
