/**
 * The form in which keys are compared: the parts between slashes, without the empty and `.` ones.
 * Chronik spells one object as `/data/x`, `./data/x` or `pfx//data/x`; the local store and some S3
 * servers (MinIO, versitygw) fold these to `data/x`, so a listing and an index agree only in it.
 */
export function canonicalKey(key: string): string {
  return key
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/**
 * The same for a listing's prefix: what stands after its last slash is the beginning of a name and
 * stays as it is, so `./data/seg` is `data/seg`, `/data/` is `data/`, and `/` is the empty prefix.
 */
export function canonicalPrefix(prefix: string): string {
  const lastSlash = prefix.lastIndexOf('/');
  const folder = canonicalKey(prefix.slice(0, lastSlash + 1));
  const nameStart = prefix.slice(lastSlash + 1);
  return folder === '' ? nameStart : `${folder}/${nameStart}`;
}
