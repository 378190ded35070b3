import { type Document, isMap, isNode, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { ConfigPath, Place } from './config-file.ts';

export interface Mistake {
  readonly place: Place;
  readonly what: string;
}

export interface YamlDocument {
  /** Plain values; integers are bigint, so that none loses digits. */
  readonly content: unknown;
  /** What isn't YAML at all; with any of these, `content` is not to be used. */
  readonly mistakes: readonly Mistake[];
  /** Where a value begins; where it is absent, what would hold it. */
  readonly placeOf: (path: ConfigPath) => Place;
  /** Where the key of a value begins. */
  readonly placeOfKey: (path: ConfigPath) => Place;
}

export function readYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    intAsBigInt: true,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const mistakes = [...document.errors, ...document.warnings].map(
    ({ pos: [offset], message }): Mistake => ({ place: placeAt(offset), what: told(message) }),
  );
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      const what = `there is no anchor &${alias.source} before this`;
      mistakes.push({ place: placeAt(alias.range?.[0] ?? 0), what });
    },
  });
  const root = document.contents;
  return {
    ...contentOf(document, mistakes),
    placeOf: (path) => placeAt(locate(root, path).value),
    placeOfKey: (path) => placeAt(locate(root, path).key),
  };
}

function contentOf(
  document: Document.Parsed,
  mistakes: readonly Mistake[],
): Pick<YamlDocument, 'content' | 'mistakes'> {
  if (mistakes.length > 0) return { content: undefined, mistakes };
  try {
    return { content: document.toJS(), mistakes };
  } catch (error) {
    // Aliases that unfold to more than anybody writes.
    const what = told(error instanceof Error ? error.message : String(error));
    return { content: undefined, mistakes: [{ place: { line: 1, column: 1 }, what }] };
  }
}

function told(message: string): string {
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

/** Offsets in the text of a path's key and value, as far down as there is one. */
function locate(root: unknown, path: ConfigPath): { key: number; value: number } {
  let node: unknown = root;
  let key = isNode(root) ? (root.range?.[0] ?? 0) : 0;
  let value = key;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isNode(one.key) && String(one.key) === String(part));
      if (pair === undefined) break;
      if (isNode(pair.key)) key = pair.key.range?.[0] ?? key;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (isNode(node)) key = node.range?.[0] ?? key;
    }
    value = isNode(node) ? (node.range?.[0] ?? key) : key;
  }
  return { key, value };
}
