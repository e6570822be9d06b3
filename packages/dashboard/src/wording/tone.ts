/** How a state looks: `good` serves, `busy` is on its way, `warn` needs a look, `bad` serves nothing, `idle` rests. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';
