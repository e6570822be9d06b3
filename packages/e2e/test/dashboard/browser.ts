import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { eventually } from '@corral/test-kit';

/** Nothing of it may call home or wait for a GPU; root needs its sandbox off. */
const FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PROGRAM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** How long anything on the page may take on a busy machine. */
export const WITHIN_MS = 120_000;

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, timeout: WITHIN_MS, args: [...FLAGS, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])] });
}

export interface Visit {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, of the content security policy, and loads that failed. */
  readonly complaints: readonly string[];
  /** Hosts that anything was asked of. */
  readonly hosts: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Goes to a page of the dashboard of a server in a tab of its own, with nothing kept from others. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}, path = '/ui/'): Promise<Visit> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WITHIN_MS);
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  page.on('request', (request) => void hosts.add(new URL(request.url()).host));
  await page.goto(new URL(path, url).href);
  return { page, complaints, hosts, close: () => context.close() };
}

/** Waits until what `selector` finds says `wanted`. */
export function says(page: Page, selector: string, wanted: RegExp | string): Promise<string> {
  return eventually(`${selector} says ${String(wanted)}`, WITHIN_MS, async () => {
    const text = (await page.locator(selector).allTextContents()).join('\n');
    return (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) && text;
  });
}

/** Tells a page that its tab came into sight or went out of it. */
export async function turn(page: Page, seen: 'visible' | 'hidden'): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${seen}', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`);
}

/** Makes a page ask everything at once instead of at the end of its intervals, as coming back to its tab does. */
export async function lookAgain(page: Page): Promise<void> {
  await turn(page, 'hidden');
  await turn(page, 'visible');
}

/** Presses a button by the name that it has for everyone. */
export function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click();
}
