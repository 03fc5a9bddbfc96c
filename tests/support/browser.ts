/**
 * A real Chromium without a window, spoken to by its debugging protocol over pipes. It tells what a page did: dialogs,
 * requests, errors, violations of the page's policy, other pages that it opened.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser of this machine; undefined where there is none. */
export const browserProgram = programs.find((path) => existsSync(path));

/** What a page did since it was opened. */
export interface Deeds {
  readonly dialogs: string[];
  /** Addresses asked for, the page's own first. */
  readonly requests: string[];
  readonly errors: string[];
  /** Pages opened beside it. */
  readonly popups: string[];
}

/** An open page. */
export interface Page {
  readonly deeds: Deeds;
  /** Evaluates an expression in the page, waits for it if it is a promise, and answers its value as JSON. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly screenshot: (path: string) => Promise<void>;
  /** Seconds of processor time that the page's main thread has used: a busy machine does not change it much. */
  readonly cpuSeconds: () => Promise<number>;
}

/** How a page is looked at. */
export interface View {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

type Answer = Readonly<Record<string, unknown>>;

/** A running browser. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #pages = new Map<string, { readonly deeds: Deeds; onLoad: () => void }>();
  #last = 0;
  #rest = '';

  constructor(program: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'ado-chromium-'));
    const flags = [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...['--disable-popup-blocking', '--remote-debugging-pipe', '--hide-scrollbars'],
      `--user-data-dir=${this.#profile}`,
    ];
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
    this.#child = spawn(program, flags, { stdio: [...stdio] });
    const told = this.#child.stdio[4] as Readable;
    told.setEncoding('utf8').on('data', (text: string) => {
      const messages = (this.#rest + text).split('\0');
      this.#rest = messages.pop() ?? '';
      for (const message of messages) this.#hear(JSON.parse(message) as Message);
    });
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string, { width = 1280, height = 900, dark = false }: View = {}): Promise<Page> {
    await this.#send('Target.setDiscoverTargets', { discover: true });
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    const session = sessionId as string;
    const send = async (method: string, params: Answer = {}): Promise<Answer> =>
      this.#send(method, params, session);
    const deeds: Deeds = { dialogs: [], requests: [], errors: [], popups: [] };
    const loaded = new Promise<void>((resolve) => {
      this.#pages.set(session, { deeds, onLoad: resolve });
    });
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await send(`${domain}.enable`);
    await send('Emulation.setDeviceMetricsOverride', {
      ...{ width, height, deviceScaleFactor: 1, mobile: false },
    });
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await send('Emulation.setEmulatedMedia', { features });
    await send('Performance.enable', { timeDomain: 'threadTicks' });
    await send('Page.addScriptToEvaluateOnNewDocument', { source: watchPolicy });
    await send('Page.navigate', { url });
    await loaded;
    return {
      deeds,
      evaluate: async (expression) => {
        const options = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await send('Runtime.evaluate', options);
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return (result as Answer)['value'];
      },
      screenshot: async (path) => {
        const { data } = await send('Page.captureScreenshot', { format: 'png' });
        writeFileSync(path, Buffer.from(data as string, 'base64'));
      },
      cpuSeconds: async () => {
        const { metrics } = await send('Performance.getMetrics');
        const all = metrics as readonly { readonly name: string; readonly value: number }[];
        return all.find((metric) => metric.name === 'TaskDuration')?.value ?? Number.NaN;
      },
    };
  }

  /** Ends the browser and removes what it kept. */
  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  async #send(method: string, params: Answer, sessionId?: string): Promise<Answer> {
    this.#last += 1;
    const id = this.#last;
    const answered = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const asked = this.#child.stdio[3] as Writable;
    asked.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result ?? {};
  }

  #hear(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    const { method = '', params = {}, sessionId } = message;
    if (method === 'Target.targetCreated') this.#hearTarget(params['targetInfo'] as Answer);
    const page = this.#pages.get(sessionId ?? '');
    if (page === undefined) return;
    const { deeds } = page;
    const text = JSON.stringify(params);
    if (method === 'Page.loadEventFired') page.onLoad();
    if (method === 'Network.requestWillBeSent')
      deeds.requests.push((params['request'] as { readonly url: string }).url);
    if (method === 'Runtime.exceptionThrown') deeds.errors.push(text);
    if (method === 'Log.entryAdded' && text.includes('"level":"error"')) deeds.errors.push(text);
    if (method === 'Runtime.consoleAPICalled') deeds.errors.push(text);
    if (method === 'Page.javascriptDialogOpening') {
      deeds.dialogs.push(text);
      void this.#send('Page.handleJavaScriptDialog', { accept: false }, sessionId);
    }
  }

  #hearTarget({ openerId, url }: Answer): void {
    if (openerId === undefined) return;
    for (const { deeds } of this.#pages.values()) deeds.popups.push(String(url));
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Answer;
  readonly result?: Answer;
  readonly error?: unknown;
  readonly sessionId?: string;
}

/** Violations of the page's policy become console messages, which count as errors. */
const watchPolicy = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy', event.effectiveDirective, event.blockedURI, event.sample));`;
