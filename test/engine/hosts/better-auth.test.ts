/** better-auth through its own Drizzle adapter, on a database of ours: sign up, sign in, sessions, sign out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { defineDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { historyOf, migration } from '../migrations/support.ts';

const timestamp = (name: string) => integer(name, { mode: 'timestamp' });

// The tables as better-auth generates them for Drizzle over SQLite.
const user = sqliteTable('user', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull().unique(),
  emailVerified: integer('email_verified', { mode: 'boolean' }).notNull(),
  image: text('image'),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
});
const session = sqliteTable('session', {
  id: text('id').primaryKey(),
  expiresAt: timestamp('expires_at').notNull(),
  token: text('token').notNull().unique(),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  userId: text('user_id').notNull(),
});
const account = sqliteTable('account', {
  id: text('id').primaryKey(),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  userId: text('user_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: timestamp('access_token_expires_at'),
  refreshTokenExpiresAt: timestamp('refresh_token_expires_at'),
  scope: text('scope'),
  password: text('password'),
  createdAt: timestamp('created_at').notNull(),
  updatedAt: timestamp('updated_at').notNull(),
});
const verification = sqliteTable('verification', {
  id: text('id').primaryKey(),
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: timestamp('expires_at').notNull(),
  createdAt: timestamp('created_at'),
  updatedAt: timestamp('updated_at'),
});
const schema = { user, session, account, verification };

const USER = 'user_id text NOT NULL REFERENCES user(id) ON DELETE CASCADE';
const TIMES = 'created_at integer NOT NULL, updated_at integer NOT NULL';
const history = historyOf(
  migration(
    '0000_auth',
    `CREATE TABLE user (id text PRIMARY KEY NOT NULL, name text NOT NULL, email text NOT NULL UNIQUE, email_verified integer NOT NULL, image text, ${TIMES})`,
    `CREATE TABLE session (id text PRIMARY KEY NOT NULL, expires_at integer NOT NULL, token text NOT NULL UNIQUE, ${TIMES}, ip_address text, user_agent text, ${USER})`,
    `CREATE TABLE account (id text PRIMARY KEY NOT NULL, account_id text NOT NULL, provider_id text NOT NULL, ${USER}, access_token text, refresh_token text, id_token text, access_token_expires_at integer, refresh_token_expires_at integer, scope text, password text, ${TIMES})`,
    'CREATE TABLE verification (id text PRIMARY KEY NOT NULL, identifier text NOT NULL, value text NOT NULL, expires_at integer NOT NULL, created_at integer, updated_at integer)',
  ),
);

describe(`better-auth's Drizzle adapter, on ${RUNTIME}`, () => {
  it('keeps users and sessions in a database of ours, and both survive a backup and a restore', async () => {
    using folder = temporaryFolder();
    const file = folder.file('auth.db');
    const kit = defineDb({ name: 'auth', schema, history });
    const authOf = (db: ReturnType<typeof kit.createDb>) =>
      betterAuth({
        database: drizzleAdapter(db, { provider: 'sqlite', schema }),
        emailAndPassword: { enabled: true },
        secret: 'a secret of a test, which is long enough',
        baseURL: 'http://localhost:3000',
        telemetry: { enabled: false },
        logger: { disabled: true },
      });
    const person = { name: 'Ada', email: 'ada@example.org', password: 'a long password' };
    let cookie: string;
    {
      using db = kit.createDb(file);
      const auth = authOf(db);
      const { headers, response } = await auth.api.signUpEmail({ body: person, returnHeaders: true });
      assert.equal(response.user.email, person.email);
      cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
      const found = await auth.api.getSession({ headers: new Headers({ cookie }) });
      assert.equal(found?.user.name, 'Ada');
      assert.ok((found?.session.expiresAt.getTime() ?? 0) > Date.now());
      await assert.rejects(auth.api.signUpEmail({ body: person }), /already exists/i);
      await assert.rejects(auth.api.signInEmail({ body: { ...person, password: 'another password' } }), /invalid/i);
      assert.equal(db.select().from(user).all().length, 1);
      await kit.backup(db, { to: folder.file('copy.db') });
      await auth.api.signOut({ headers: new Headers({ cookie }) });
      assert.equal(await auth.api.getSession({ headers: new Headers({ cookie }) }), null);
    }
    await kit.restore({ from: folder.file('copy.db'), to: file });
    using db = kit.createDb(file);
    const auth = authOf(db);
    assert.equal((await auth.api.getSession({ headers: new Headers({ cookie }) }))?.user.name, 'Ada');
    const { user: signedIn } = await auth.api.signInEmail({ body: person });
    assert.equal(db.query.session.findMany().sync().length, 2);
    db.$client.prepare('DELETE FROM user WHERE id = ?').run(signedIn.id);
    assert.deepEqual([db.select().from(session).all(), db.select().from(account).all()], [[], []]);
  });
});
