import type { GenerateUsage } from '@corral/contracts';
import type { Task } from './task.js';

type Told = Pick<Task, 'target' | 'priority'>;

/** One short sentence for people at each point of a task's life: present tense, no ids, no content. [H-13] */
export const narrate = {
  admitted: (task: Told, position: number): string => short(`Accepts ${article(task.priority)} ${task.priority} task for ${nameOf(task)}, ${position} ahead of it.`),
  placed: (task: Told): string => short(`Gives the task to a replica of ${nameOf(task)}.`),
  started: (task: Told): string => short(`Starts the answer of ${nameOf(task)}.`),
  waiting: (task: Told, reason: string): string => short(`The task for ${nameOf(task)} waits: ${reason}`),
  ended: (task: Told, usage: Pick<GenerateUsage, 'tokens_out' | 'decode_time_ms'> | null): string =>
    short(usage === null ? `${nameOf(task)} has answered.` : `${nameOf(task)} has answered with ${usage.tokens_out} tokens in ${usage.decode_time_ms} ms.`),
  canceled: (task: Told, reason: 'canceled' | 'disconnected'): string =>
    short(reason === 'canceled' ? `Cancels the task for ${nameOf(task)}.` : `Stops ${nameOf(task)}: its client has gone.`),
} as const;

/** About a hundred characters fit a terminal's line beside a timestamp. */
const LONGEST = 120;

function short(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}

function nameOf({ target }: Told): string {
  return target.route?.replace(/@\d+$/, '') ?? target.model.model_id;
}

function article(word: string): string {
  return word.startsWith('i') ? 'an' : 'a';
}
