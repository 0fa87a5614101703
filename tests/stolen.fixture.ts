import { systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import pg from "pg";
import { Scopes } from "../apps/server/src/storage/scopes.ts";
import { openKeys, type FreshDatabase } from "../apps/server/src/testing/index.ts";

/** What somebody has who has the keys, and the database besides, but no token: what an organisation's tokens are sealed with. */
export async function stolen(
  database: FreshDatabase,
  org: string,
): Promise<{ readonly kid: string; readonly key: Uint8Array }> {
  const keyring = await openKeys(database);
  const scope = await new Scopes({ keyring, random: systemRandom }).of(org as Id<"org">); // as the platform told it
  const { tls: _, ...config } = database.login;
  const client = new pg.Client(config);
  await client.connect();
  const { rows } = await client.query<{ kid: string }>("select kid from holdfast.token_key where org = $1", [
    uuidOf(scope.org),
  ]);
  const kid = rows[0]?.kid ?? "";
  await client.end();
  await keyring.close();
  return { kid, key: scope.derive(`token/${kid}`) };
}
