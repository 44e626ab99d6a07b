// ◇ Browser-safe. A crop, fetched while it is shown: what is scrolled away is no longer waited for.
import { useEffect, useRef, useState } from "preact/hooks";

/** One picture; where there is none, its words. */
export function Picture({
  url,
  words,
  sizePx,
}: {
  readonly url: string | undefined;
  readonly words: string;
  readonly sizePx?: number | undefined;
}) {
  const image = useRef<HTMLImageElement>(null);
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    const shown = image.current;
    return () => shown?.removeAttribute("src"); // ends the request
  }, [url]);
  if (url === undefined || failed === url)
    return (
      <span class="no-picture" role="img" aria-label={words}>
        no picture
      </span>
    );
  return (
    <img
      ref={image}
      src={url}
      alt={words}
      width={sizePx}
      height={sizePx}
      decoding="async"
      draggable={false}
      onError={() => setFailed(url)}
    />
  );
}
