import {
  access,
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FsStore } from '../../src/storage/fs-store.ts';
import { readBody } from '../../src/storage/object-body.ts';
import { collect } from './collect.ts';
import { conformanceSuite } from './conformance.ts';
import { propertyOptions } from './property-options.ts';

conformanceSuite({
  name: 'file system',
  open: async () => new FsStore(await mkdtemp(join(tmpdir(), 'segctl-fs-'))),
  keys: 'folded',
  tellsMissing: true,
});

const escapes = expect.objectContaining({ code: 'key-escapes-root', exit: 'refused' });

describe('the local store', () => {
  let top: string;
  let root: string;
  let store: FsStore;
  beforeEach(async () => {
    top = await realpath(await mkdtemp(join(tmpdir(), 'segctl-fs-')));
    root = join(top, 'segments');
    await mkdir(root);
    store = new FsStore(root);
  });
  afterEach(async () => {
    await rm(top, { recursive: true, force: true });
  });
  const keysBelow = async (prefix: string): Promise<string[]> =>
    (await collect(store.list(prefix))).map((item) => item.key).sort();

  test("maps keys to places as Chronik does: '/data' and './data' below the root", async () => {
    await store.put('/data/tantivy_indexes/orders/partition-0/segment-0-9.tar.gz', Buffer.of(1));
    const place = join(root, 'data/tantivy_indexes/orders/partition-0/segment-0-9.tar.gz');
    await access(place);
    for (const key of ['./data//tantivy_indexes/', 'data/./tantivy_indexes/', '//data/tantivy_i']) {
      expect(await keysBelow(key)).toEqual([
        'data/tantivy_indexes/orders/partition-0/segment-0-9.tar.gz',
      ]);
    }
    expect(await keysBelow('')).toHaveLength(1);
    expect(await keysBelow('/')).toHaveLength(1);
  });

  test("refuses '..', NUL and the root itself, in every method", async () => {
    await writeFile(join(top, 'outside'), 'secret');
    for (const key of ['../outside', '/data/../../outside', 'a/..', 'x\0y', '', '/', './/.']) {
      await expect(store.get(key)).rejects.toThrow(escapes);
      await expect(store.head(key)).rejects.toThrow(escapes);
      await expect(store.put(key, Buffer.of(1))).rejects.toThrow(escapes);
      await expect(store.delete(key)).rejects.toThrow(escapes);
      await expect(store.copy(key, 'b')).rejects.toThrow(escapes);
      const [outcome] = await collect(store.deleteMany([key]));
      expect(outcome).toMatchObject({ outcome: 'failed', error: { code: 'key-escapes-root' } });
    }
    await expect(keysBelow('../')).rejects.toThrow(escapes);
    await expect(keysBelow('data/../../')).rejects.toThrow(escapes);
    expect(await readFile(join(top, 'outside'), 'utf8')).toBe('secret');
  });

  test('refuses links that lead out of the root, to files and through folders', async () => {
    await mkdir(join(top, 'elsewhere'));
    await writeFile(join(top, 'elsewhere/x'), 'secret');
    await symlink(join(top, 'elsewhere'), join(root, 'folder'));
    await symlink('../elsewhere/x', join(root, 'file'));
    for (const key of ['folder/x', 'file']) {
      await expect(store.get(key)).rejects.toThrow(escapes);
      await expect(store.head(key)).rejects.toThrow(escapes);
      await expect(store.delete(key)).rejects.toThrow(escapes);
      await expect(store.copy(key, 'b')).rejects.toThrow(escapes);
    }
    await expect(store.put('folder/new/deep', Buffer.of(1))).rejects.toThrow(escapes);
    await expect(keysBelow('folder/')).rejects.toThrow(escapes);
    expect(await keysBelow('')).toEqual([]);
    expect(await readdir(join(top, 'elsewhere'))).toEqual(['x']);
    // A put to a link's own name replaces the link; what it led to stays as it was.
    await store.put('file', Buffer.from('mine'));
    expect(await readFile(join(top, 'elsewhere/x'), 'utf8')).toBe('secret');
  });

  test('a sibling whose name begins as the root does is outside', async () => {
    await mkdir(`${root}-other`);
    await writeFile(join(`${root}-other`, 'x'), '1');
    await symlink(`${root}-other`, join(root, 'link'));
    await expect(store.get('link/x')).rejects.toThrow(escapes);
  });

  test('no key of any shape reaches a file outside', async () => {
    await writeFile(join(top, 'outside'), 'secret');
    const part = fc.constantFrom('..', '.', '', 'a', 'outside', 'segments', '~', '%2e%2e', '...');
    const property = fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      await store.delete(parts.join('/')).catch(() => undefined);
      await store.put(parts.join('/'), Buffer.from('x')).catch(() => undefined);
      expect(await readFile(join(top, 'outside'), 'utf8')).toBe('secret');
      expect((await readdir(top)).sort()).toEqual(['outside', 'segments']);
    });
    await fc.assert(property, propertyOptions(100));
  });

  test('works when the root itself is a link', async () => {
    await store.put('/data/x', Buffer.from('1'));
    await symlink(root, join(top, 'linked'));
    const linked = new FsStore(join(top, 'linked'));
    expect(Buffer.from(await readBody(await linked.get('/data/x'))).toString()).toBe('1');
    expect(await collect(linked.list('/data/'))).toHaveLength(1);
  });

  test('a root that is not there is an error, never an empty store', async () => {
    const gone = new FsStore(join(top, 'not-mounted'));
    const noRoot = expect.objectContaining({ code: 'store-no-such-root' });
    await expect(collect(gone.list(''))).rejects.toThrow(noRoot);
    await expect(gone.head('a')).rejects.toThrow(noRoot);
    await expect(gone.delete('a')).rejects.toThrow(noRoot);
    await expect(collect(gone.deleteMany(['a']))).rejects.toThrow(noRoot);
  });

  test('leaves out temp files, folders and what is no file; follows no link', async () => {
    await store.put('data/real', Buffer.of(1));
    await writeFile(join(root, 'data/.segctl-1.tmp'), 'half');
    await mkdir(join(root, 'data/empty'));
    await symlink(join(root, 'data/real'), join(root, 'data/alias'));
    await symlink(root, join(root, 'data/loop'));
    expect(await keysBelow('')).toEqual(['data/real']);
    expect(await store.head('data')).toBeUndefined();
    expect(await store.delete('data')).toBe('missing');
    await expect(store.get('data')).rejects.toThrow(
      expect.objectContaining({ code: 'object-missing' }),
    );
  });

  test('a put that fails leaves no trace', async () => {
    await mkdir(join(root, 'taken'));
    await expect(store.put('taken', Buffer.of(1))).rejects.toThrow();
    await writeFile(join(root, 'file'), '');
    await expect(store.put('file/below', Buffer.of(1))).rejects.toThrow();
    expect((await readdir(root)).sort()).toEqual(['file', 'taken']);
  });

  test('a file that is rewritten in place under a read is a changed object', async () => {
    const place = join(root, 'x');
    await writeFile(place, Buffer.alloc(600_000, 1));
    const shortened = await store.get('x');
    await truncate(place, 1000);
    await expect(readBody(shortened)).rejects.toThrow(
      expect.objectContaining({ code: 'object-changed' }),
    );
    const longer = await store.get('x');
    await appendFile(place, 'more');
    await expect(readBody(longer)).rejects.toThrow(
      expect.objectContaining({ code: 'object-changed' }),
    );
  });

  test('a copy does not share bytes with what it was made of', async () => {
    await store.put('a', Buffer.from('one'));
    await store.copy('a', 'b');
    await writeFile(join(root, 'a'), 'two');
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('one');
  });

  test('deleting one of two names leaves the other', async () => {
    await store.put('a', Buffer.from('one'));
    await link(join(root, 'a'), join(root, 'b'));
    expect(await store.delete('a')).toBe('deleted');
    expect(await keysBelow('')).toEqual(['b']);
  });
});
