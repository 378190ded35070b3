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
