import { expect, test } from '@jest/globals';
import { Interrupts } from './interrupts.js';

test('the first Ctrl-C stops the answer, the second leaves', () => {
  const interrupts = new Interrupts();
  const signal = interrupts.answering();
  expect([interrupts.press(false), signal.aborted]).toEqual(['stop_answer', true]);
  interrupts.answered();
  expect(interrupts.press(false)).toBe('leave');
});

test('a second one leaves also while the stopped answer ends', () => {
  const interrupts = new Interrupts();
  interrupts.answering();
  expect([interrupts.press(false), interrupts.press(false)]).toEqual(['stop_answer', 'leave']);
});

test('without an answer the first warns; a line that is sent makes the next one a first one', () => {
  const interrupts = new Interrupts();
  expect(interrupts.press(false)).toBe('warn');
  interrupts.forget();
  expect([interrupts.press(false), interrupts.press(false)]).toEqual(['warn', 'leave']);
});

test('a typed line is dropped first', () => {
  const interrupts = new Interrupts();
  expect([interrupts.press(true), interrupts.press(false), interrupts.press(false)]).toEqual(['drop_line', 'warn', 'leave']);
});
