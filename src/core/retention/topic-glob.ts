import { SegctlError } from '../segctl-error.ts';

/**
 * Topic patterns: `*` stands for any run of characters, `?` for one, all else for itself. The whole
 * name has to match. Other glob signs cannot stand in a topic's name (letters, digits, `.`, `_` and
 * `-`), and a pattern decides what is deleted, so they are refused and not taken literally.
 */
export function topicMatcher(glob: string): (topic: string) => boolean {
  checkTopicGlob(glob);
  const source = glob.replace(/[.-]/g, '\\$&').replace(/\*+/g, '.*').replace(/\?/g, '.');
  const pattern = new RegExp(`^${source}$`, 's');
  return (topic) => pattern.test(topic);
}

/** Throws `invalid-topic-pattern` (exit `usage`) unless the text is a topic pattern. */
export function checkTopicGlob(glob: string): void {
  if (!/^[A-Za-z0-9._*?-]+$/.test(glob)) {
    throw new SegctlError(`"${glob}" is not a topic pattern`, {
      code: 'invalid-topic-pattern',
      exit: 'usage',
      facts: { pattern: glob },
      remedy: 'use letters, digits, . _ - and the signs * (any run) and ? (one character)',
    });
  }
}
