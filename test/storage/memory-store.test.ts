import { MemoryStore } from '../../src/storage/memory-store.ts';
import { conformanceSuite } from './conformance.ts';

conformanceSuite({
  name: 'memory, literal keys',
  open: async () => new MemoryStore(),
  keys: 'literal',
  tellsMissing: true,
});

conformanceSuite({
  name: 'memory, folded keys',
  open: async () => new MemoryStore({ foldKeys: true }),
  keys: 'folded',
  tellsMissing: true,
});
