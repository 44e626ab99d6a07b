// ◇ Browser-safe. A photo by the camera: seen first, taken by a key or a button, and kept nowhere.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../app/keys.ts";
import { predict } from "./desk.ts";

/** The button, and while the camera is on, what it sees. */
export function Camera({ disabled }: { readonly disabled: boolean }) {
  const stream = useSignal<MediaStream | undefined>(undefined);
  const trouble = useSignal("");
  const video = useRef<HTMLVideoElement>(null);
  const stop = () => {
    for (const track of stream.peek()?.getTracks() ?? []) track.stop();
    stream.value = undefined;
  };
  useEffect(() => stop, []);
  useEffect(() => {
    if (video.current !== null && stream.value !== undefined) video.current.srcObject = stream.value;
  }, [stream.value]);
  const start = async () => {
    trouble.value = "";
    try {
      stream.value = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      trouble.value = `Expected a camera, got ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const take = async () => {
    if (video.current === null) return;
    const { videoWidth, videoHeight } = video.current;
    const canvas = new OffscreenCanvas(videoWidth, videoHeight);
    canvas.getContext("2d")!.drawImage(video.current, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/png" }); // as it was seen, without losses
    stop();
    await predict([new File([blob], "camera.png", { type: blob.type })]);
  };
  const on = stream.value !== undefined;
  useKeys([
    {
      keys: ["c"],
      does: "start the camera, or take the photo",
      run: () => void (disabled ? undefined : on ? take() : start()),
    },
  ]);
  if (navigator.mediaDevices === undefined) return null;
  return (
    <div class="predict-camera">
      {on ? (
        <>
          <video ref={video} autoPlay muted playsInline aria-label="What the camera sees" />
          <button type="button" onClick={() => void take()}>
            Take the photo <kbd>c</kbd>
          </button>
          <button type="button" onClick={stop}>
            Stop the camera
          </button>
        </>
      ) : (
        <button type="button" onClick={() => void start()}>
          Use the camera <kbd>c</kbd>
        </button>
      )}
      {trouble.value === "" ? null : <p role="alert">{trouble.value}</p>}
    </div>
  );
}
