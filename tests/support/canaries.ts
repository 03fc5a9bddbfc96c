/** Canaries: secrets that nobody else has, and the places where what ado keeps is looked through for them. */
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Ado } from './ado-platform.ts';

/** A secret with characters that base64 and addresses write otherwise. `place` says where it was put. */
export function makeCanary(place: string): string {
  return `cnry-${place}-${randomBytes(9).toString('hex')}+/=~end`;
}

/** What a canary looks like when somebody hides it: as it is, in JSON, in an address, in hex, in base64 of any text around it. */
function formsOf(canary: string): string[] {
  const bytes = Buffer.from(canary);
  // Of three ways to stand in a text that is encoded one is right; its ends hold bits of the neighbours.
  const inBase64 = [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.from(' '.repeat(shift) + canary).toString('base64');
    const middle = encoded.slice(shift === 0 ? 0 : 4).replace(/=+$/, '');
    const sure = middle.slice(0, Math.floor(middle.length / 4) * 4 - 4);
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = bytes.toString('hex');
  const inAddress = encodeURIComponent(canary);
  return [
    ...new Set([canary, hex, hex.toUpperCase(), inAddress, inAddress.toLowerCase(), ...inBase64]),
  ];
}

/** Names the canaries that a text holds in any form. */
export function canariesIn(
  text: string,
  canaries: Readonly<Record<string, string>>,
): readonly string[] {
  // Base64 of programs is broken into lines.
  const joined = text.replace(/\\n|\s/g, '');
  return Object.entries(canaries)
    .filter(([, canary]) => formsOf(canary).some((form) => joined.includes(form)))
    .map(([place]) => place);
}

/** Every row of every table, as text. */
export async function dumpDatabase(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      // A text in quotes has its quotes and backslashes twice.
      texts.push(name, ...rows.map(({ row }) => row.replaceAll('\\\\', '\\')));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}

/** Every key of a Redis, with what it holds. */
export async function dumpRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const texts: unknown[] = [];
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key);
      const read: Readonly<Record<string, () => Promise<unknown>>> = {
        string: () => redis.get(key),
        hash: () => redis.hgetall(key),
        list: () => redis.lrange(key, 0, -1),
        set: () => redis.smembers(key),
        zset: () => redis.zrange(key, '0', '-1'),
        stream: () => redis.xrange(key, '-', '+'),
      };
      texts.push(key, await read[type]?.());
    }
    return JSON.stringify(texts);
  } finally {
    redis.disconnect();
  }
}

/** Every history, and in plain what is in base64 there. */
export async function dumpHistories(place: Ado['temporal']): Promise<string> {
  const connection = await Connection.connect({ address: place.address });
  try {
    const { workflow } = new Client({ connection, namespace: place.namespace });
    const texts: string[] = [];
    for await (const { workflowId, runId } of workflow.list()) {
      const history = await workflow.getHandle(workflowId, runId).fetchHistory();
      const json = historyToJSON(history);
      // What workflows and activities say to each other stands there in base64.
      const payloads = [...json.matchAll(/"data": ?"([^"]*)"/g)].map(([, data = '']) =>
        Buffer.from(data, 'base64').toString(),
      );
      texts.push(json, ...payloads);
    }
    return texts.join('\n');
  } finally {
    await connection.close();
  }
}

/** The log of every process. */
export function allLogs({ apis, workers }: Ado): string {
  return [...apis, ...workers].map((one) => one.log()).join('\n');
}
