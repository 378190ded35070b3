import stringWidth from 'string-width';

/** Text of which every character is one column. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Columns that `text` takes on a terminal; wide East Asian characters and emoji take two. */
export function displayWidth(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : stringWidth(text);
}

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): string[] {
  if (PRINTABLE_ASCII.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** What a cut through a surrogate pair leaves. */
const HALF_CHARACTER = /\p{Cs}/gu;

/** As many of `parts` from the front as fit into `columns`. */
function takeColumns(parts: Iterable<string>, columns: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += displayWidth(part);
    if (used > columns) break;
    taken.push(part);
  }
  return taken;
}

/**
 * `text` in at most `columns` columns, an ellipsis in place of what was cut. `middle` keeps both
 * ends, right for keys and ids that differ in their last characters; `end` keeps the beginning,
 * right for values. Only the visible part is looked at, so a value of many MB costs no more.
 */
export function truncate(text: string, columns: number, where: 'middle' | 'end'): string {
  if (columns <= 0) return '';
  // A column needs few UTF-16 units even for joined emoji; what lies beyond can't be visible.
  const reach = columns * 16;
  if (text.length <= reach * 2 && displayWidth(text) <= columns) return text;
  const room = columns - 1;
  const tailRoom = where === 'middle' ? Math.floor(room / 2) : 0;
  const head = takeColumns(graphemes(text.slice(0, reach)), room - tailRoom).join('');
  const tailParts = tailRoom === 0 ? [] : graphemes(text.slice(-reach)).reverse();
  const tail = takeColumns(tailParts, tailRoom).reverse().join('');
  return `${head}…${tail}`.replace(HALF_CHARACTER, '');
}
