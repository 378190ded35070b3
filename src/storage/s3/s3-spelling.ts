/**
 * What is known of a server's way with keys that are not canonical (`/data/x`, `./data/x`, `a//b`).
 * AWS keeps them literal: then `/data/x` and `data/x` are two objects, and one is never taken for the
 * other. versitygw folds them in requests but lists the folded form. MinIO strips a leading slash,
 * and refuses empty and `.` parts with status 400: the only object that can be meant is the folded one.
 * Nothing is assumed: each is learned from the server's own answers.
 */
export class KeySpelling {
  /** Whether listings give folded keys; undefined until an answer showed it. */
  folds: boolean | undefined;
  private readonly refused = new Set<string>();

  /** Whether the server refused a key of this shape before. */
  isRefused(s3Key: string): boolean {
    return this.refused.has(shapeOf(s3Key));
  }

  setRefused(s3Key: string): void {
    this.refused.add(shapeOf(s3Key));
  }
}

function shapeOf(s3Key: string): string {
  const hasInner = /\/\/|(^|\/)\.(\/|$)/.test(s3Key);
  return `${s3Key.startsWith('/') ? 'leading-slash' : ''}${hasInner ? ' inner' : ''}`;
}
