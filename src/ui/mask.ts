const MASK = '********';

/**
 * What is shown in place of a secret: the same stars for each, so that neither its length nor any
 * of its characters can be read off. An empty secret is shown as such, since it is a mistake to see.
 */
export function mask(secret: string): string {
  return secret === '' ? '' : MASK;
}

/** `url` with its password and user name masked; text that is no URL comes back as it is. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, `$1${MASK}@`);
}
