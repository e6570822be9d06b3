import { runPoolManagerd } from '@corral/pool-managerd';
import { scriptedEngine } from '@corral/test-kit';

/** A real node daemon on an engine that says what time it is: what is measured is the way, not the model. */
process.exitCode = await runPoolManagerd({
  argv: [],
  env: process.env,
  engine: () => scriptedEngine({ name: 'llamacpp', behaviour: { timestamps: true, tokens: Number(process.env['BENCH_TOKENS']), tokenDelayMs: Number(process.env['BENCH_TOKEN_DELAY_MS']) } }),
});
