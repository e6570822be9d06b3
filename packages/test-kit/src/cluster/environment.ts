/** The environment for a daemon: what the tests themselves run under must not reach it. */
export function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, JEST_WORKER_ID: _worker, NODE_ENV: _env, ...rest } = process.env;
  return rest;
}
