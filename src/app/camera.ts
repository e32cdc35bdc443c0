/** The camera: opened when asked for, and given back when nobody looks at it. */
import { useCallback, useEffect, useRef, useState } from 'react';

/** Why there is no picture: refused by the reader or the system, no camera, in use elsewhere, or no secure page. */
export type CameraFailure = 'denied' | 'missing' | 'busy' | 'insecure';

export interface Camera {
  stream: MediaStream | null;
  failure: CameraFailure | null;
  open(): Promise<void>;
  close(): void;
}

/** A camera on the back of a phone, where there is one. */
const BACK: MediaTrackConstraints = { width: { ideal: 640 }, facingMode: { ideal: 'environment' } };

/** Opens nothing by itself; closes with the component. `video` says which camera, and must stay the same. */
export function useCamera(video: MediaTrackConstraints | true = BACK): Camera {
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [failure, setFailure] = useState<CameraFailure | null>(null);
  const opened = useRef<MediaStream | null>(null);
  /** Rises with each wish: a camera that comes after a later one is given back. */
  const wishes = useRef(0);

  const close = useCallback(() => {
    wishes.current++;
    stop(opened.current);
    opened.current = null;
    setStream(null);
  }, []);
  const open = useCallback(async () => {
    const wish = ++wishes.current;
    setFailure(null);
    // Browsers hide it on pages that came without encryption.
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) return setFailure('insecure');
    try {
      const given = await devices.getUserMedia({ video });
      if (wish !== wishes.current) return stop(given);
      opened.current = given;
      setStream(given);
    } catch (error) {
      setFailure(failureOf(error));
    }
  }, [video]);
  useEffect(() => close, [close]);
  return { stream, failure, open, close };
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function failureOf(error: unknown): CameraFailure {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  return name === 'NotReadableError' || name === 'AbortError' ? 'busy' : 'missing';
}

/** Whether people expect to see it as in a mirror: all cameras but those on the back of a phone. */
export const isMirrored = (stream: MediaStream): boolean =>
  stream.getVideoTracks()[0]?.getSettings().facingMode !== 'environment';

/** Images keep this many pixels on their short side: more than any set here has. */
const SHORT_SIDE = 256;

/** What the camera sees now, whole, as a file; null before its first picture. */
export async function shoot(video: HTMLVideoElement): Promise<Blob | null> {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0 || videoHeight === 0) return null;
  const scale = Math.min(1, SHORT_SIDE / Math.min(videoWidth, videoHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
}
