import path from "node:path";
import { Client } from "pg";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { Keyring } from "../../apps/server/src/storage/keyring/index.ts";
import type { Deployment } from "./deployment.ts";

/** A connection to a deployment's PostgreSQL as its superuser, with the password that the keyring holds: whoever has both can do anything. */
export async function asOwner({ data, keys }: Deployment): Promise<Client> {
  const keyring = await Keyring.openBeside({
    place: { folder: keys },
    clock: systemClock,
    random: systemRandom,
  });
  const password = keyring.instanceKey("database/superuser").toHex();
  await keyring.close();
  const client = new Client({
    host: path.join(data, "postgres/socket"),
    port: 5432,
    user: "holdfast_owner",
    password,
    database: "postgres",
  });
  client.on("error", () => undefined); // whoever asks next is told
  await client.connect();
  return client;
}
