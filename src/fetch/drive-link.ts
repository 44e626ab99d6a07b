// Links to files and folders that Google Drive shares: what they mean, without a visit.
// Invariant: the key of an old link stays with the id.

/**
 * What a `drive:ID`, `drive-folder:ID` or a link that Drive's "share" gives means; undefined for anything else. Files and
 * folders that were shared before 2021 open with the key of their link only: it stays with the id, `ID?resourcekey=KEY`.
 */
export function parseDriveLink(
  text: string,
): { readonly file: string } | { readonly folder: string } | undefined {
  const own = /^drive(-folder)?:([\w-]{10,}(?:\?resourcekey=[\w-]+)?)$/.exec(text);
  if (own !== null) return own[1] === undefined ? { file: own[2]! } : { folder: own[2]! };
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^(drive|docs|drive\.usercontent)\.google\.com$/.test(url.hostname)) return undefined;
  const key = url.searchParams.get("resourcekey") ?? undefined;
  const asked = url.searchParams.get("id") ?? undefined;
  const listed = /\/(?:embedded)?folderview$/.test(url.pathname) ? asked : undefined;
  const folder = /\/folders\/([\w-]{10,})/.exec(url.pathname)?.[1] ?? listed;
  if (folder !== undefined) return { folder: withKey(folder, key) };
  const id = /\/d\/([\w-]{10,})/.exec(url.pathname)?.[1] ?? asked;
  return id === undefined ? undefined : { file: withKey(id, key) };
}

/** An id as it is kept. */
export function withKey(id: string, key: string | undefined): string {
  return key === undefined ? id : `${id}?resourcekey=${key}`;
}
