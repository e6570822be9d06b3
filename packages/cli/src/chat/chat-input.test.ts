import { expect, test } from '@jest/globals';
import { readChatInput } from './chat-input.js';

test.each([
  ['  Hello there ', { kind: 'say', text: 'Hello there' }],
  ['', { kind: 'nothing' }],
  ['/exit', { kind: 'exit' }],
  ['/clear', { kind: 'clear' }],
  ['/help', { kind: 'help' }],
  ['/model', { kind: 'show_model' }],
  ['/model  org/name:1 ', { kind: 'change_model', model: 'org/name:1' }],
  ['/bogus x', { kind: 'unknown', command: '/bogus' }],
  ['//etc is a folder', { kind: 'say', text: '/etc is a folder' }],
])('%j means %j', (line, meant) => {
  expect(readChatInput(line)).toEqual(meant);
});
