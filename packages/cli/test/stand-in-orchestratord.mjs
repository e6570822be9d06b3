import { standIn } from './stand-in.mjs';

const { pools = [], tasks = [] } = JSON.parse(process.env.STAND_IN ?? '{}');
let asked = 0;

standIn('orchestratord', 'ORCHESTRATORD_ADDR', (req, res) => {
  if (req.url === '/v2/pools') return { data: pools, next_cursor: null };
  if (req.url === '/v1/models') return { object: 'list', data: [{ id: 'smollm2', object: 'model', created: 0, owned_by: 'default' }] };
  if (req.url === '/v2/tasks') {
    asked += 1;
    res.statusCode = 202;
    const events = `/v2/tasks/t${asked}/events`;
    return {
      task_id: `t${asked}`,
      correlation_id: 'c1',
      queue_position: 0,
      predicted_start_ms: 0,
      backoff_ms: null,
      streams: { sse: events, sse_verbose: events },
      preparation: { steps: [] },
    };
  }
  const [, n] = /^\/v2\/tasks\/t(\d+)\/events$/.exec(req.url) ?? [];
  if (n === undefined) return null;
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const { type, ...data } of tasks[Math.min(Number(n), tasks.length) - 1] ?? [])
    res.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  res.end();
  return undefined;
});
