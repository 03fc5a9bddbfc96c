import { randomUUID } from 'node:crypto';
import { aKey, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());

test('a key stands for its tenant and scopes', async () => {
  const tenantId = randomUUID();
  const key = aKey();
  await world.keys.ensureKey(tenantId, 'local', key, ['tasks:read', 'admin']);

  const actor = await world.keys.findActor(key);

  expect(actor).toEqual({
    tenantId,
    tenantName: 'local',
    keyId: key.split('_')[2],
    scopes: ['tasks:read', 'admin'],
  });
});

test('ensuring a key again, also by several processes at once, changes nothing', async () => {
  const tenantId = randomUUID();
  const key = aKey();

  await Promise.all(
    [1, 2, 3, 4].map(() => world.keys.ensureKey(tenantId, 'local', key, ['admin'])),
  );
  await world.keys.ensureKey(tenantId, 'renamed', key, []);

  expect(await world.keys.findActor(key)).toMatchObject({
    tenantId,
    tenantName: 'local',
    scopes: ['admin'],
  });
});

test('a key with the right id and a wrong secret is nobody', async () => {
  const key = aKey();
  await world.keys.ensureKey(randomUUID(), 'local', key, ['admin']);

  expect(await world.keys.findActor(`${key.slice(0, -1)}!`)).toBeUndefined();
  expect(await world.keys.findActor(aKey())).toBeUndefined();
  expect(await world.keys.findActor('')).toBeUndefined();
});

test('a revoked key and an expired one are nobody', async () => {
  const tenantId = randomUUID();
  const [revoked, expired, valid] = [aKey(), aKey(), aKey()];
  for (const key of [revoked, expired, valid])
    await world.keys.ensureKey(tenantId, 'local', key, ['admin']);
  const now = new Date(world.clock.now());
  await world.asOwner(async (query) => {
    await query('update api_keys set revoked_at = $2 where id = $1', [revoked.split('_')[2], now]);
    await query('update api_keys set expires_at = $2 where id = $1', [expired.split('_')[2], now]);
    await query('update api_keys set expires_at = $2 where id = $1', [
      valid.split('_')[2],
      new Date(now.getTime() + 1),
    ]);
  });

  expect(await world.keys.findActor(revoked)).toBeUndefined();
  expect(await world.keys.findActor(expired)).toBeUndefined();
  expect(await world.keys.findActor(valid)).toBeDefined();
});

test('the key itself is not stored', async () => {
  const key = aKey();
  await world.keys.ensureKey(randomUUID(), 'local', key, ['admin']);

  const rows = await world.database.asSystem(({ db }) =>
    db.selectFrom('api_keys').selectAll().execute(),
  );

  expect(JSON.stringify(rows)).not.toContain(key.split('_').at(-1));
});

test('an id that is taken by another key is refused', async () => {
  const key = aKey();
  await world.keys.ensureKey(randomUUID(), 'one', key, ['admin']);

  await expect(world.keys.ensureKey(randomUUID(), 'two', key, ['admin'])).rejects.toMatchObject({
    code: 'KEY_INVALID',
  });
  await expect(
    world.keys.ensureKey(randomUUID(), 'two', 'secret', ['admin']),
  ).rejects.toMatchObject({ code: 'KEY_INVALID' });
});
