import { expect, test } from '@jest/globals';
import { SessionKey, sessionStorageOf, type KeyStorage } from './session-key.js';

function aStorage(kept: Map<string, string>): KeyStorage {
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value), removeItem: (name) => void kept.delete(name) };
}

test('U-05 a key outlives a reload of its tab, without the spaces of a paste, until it is forgotten', () => {
  const kept = new Map<string, string>();
  new SessionKey(aStorage(kept)).keep(' k-1\n');
  const reloaded = new SessionKey(aStorage(kept));
  expect(reloaded.current()).toBe('k-1');
  reloaded.forget();
  expect([reloaded.current(), new SessionKey(aStorage(kept)).current(), kept.size]).toEqual([null, null, 0]);
});

test('U-05 where the browser keeps nothing, the key lives as long as the page', () => {
  const barred = {
    get sessionStorage(): KeyStorage {
      throw new DOMException('denied', 'SecurityError');
    },
  };
  const key = new SessionKey(sessionStorageOf(barred));
  key.keep('k-1');
  expect(key.current()).toBe('k-1');
});
