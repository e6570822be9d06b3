import type { HomeToken } from './home-token.js';
import type { ReadyEvent } from './ready-event.js';

export interface Announced extends Pick<ReadyEvent, 'listener_url' | 'dashboard_url'> {
  /** What the example asks for; without one there is no example. */
  readonly model: string | undefined;
  readonly token: Pick<HomeToken, 'inShell'> | undefined;
}

/** Where the API is, and one line for the shell that works as it stands. */
export function announcement({ listener_url: url, dashboard_url: dashboard, model, token }: Announced): string[] {
  return [
    `API        ${url}  (OpenAI clients: base_url ${url}/v1)`,
    `dashboard  ${dashboard}`,
    'stop       Ctrl-C',
    ...(model === undefined ? [] : ['try it from another terminal:', curlLine(url, model, token)]),
  ];
}

function curlLine(url: string, model: string, token: Announced['token']): string {
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: 'What is the capital of Japan?' }],
    max_tokens: 64,
    temperature: 0,
  });
  const authorization = token?.inShell === undefined ? '' : ` -H "Authorization: Bearer ${token.inShell}"`;
  return `curl -s ${url}/v1/chat/completions${authorization} -H 'Content-Type: application/json' -d '${body.replaceAll("'", String.raw`'\''`)}'`;
}
