import { createHash } from "node:crypto";
import { Refusal, uuidOf } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";
import { asPlatform, type Caller } from "../../authority/index.ts";
import type { Storage, Unit } from "../../storage/index.ts";

const lifetime = 24 * 3_600_000; // milliseconds a key is remembered

type Request = { readonly caller: Caller; readonly route: Route; readonly key: string; readonly asked: unknown };

/**
 * `Idempotency-Key`: a management request that was answered is answered the same again, without the secret that it showed.
 * The key is taken before the work and belongs to the credential that sent it.
 */
export class Replays {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async once(request: Request, work: () => Promise<unknown>, replayed: (header: "true") => void): Promise<unknown> {
    const { caller, route, key } = request;
    if (key.length === 0 || key.length > 255)
      throw new Refusal("request.malformed", { faults: [{ path: "Idempotency-Key", message: "1 to 255 characters" }] });
    const allowed = asPlatform(caller.space.scope);
    const index = caller.space.scope.index("idempotency", `${caller.credential.id} ${key}`);
    const digest = createHash("sha256")
      .update(`${route.method} ${route.path} ${JSON.stringify(request.asked)}`)
      .digest();
    const before = await this.#storage.note(allowed, (unit) => take(unit, index, digest));
    if (before) {
      replayed("true");
      return before.reply;
    }
    try {
      const reply = await work();
      await this.#storage.note(allowed, (unit) => keep(unit, index, withoutSecret(route, reply)));
      return reply;
    } catch (error) {
      // Nothing was done, so the same key may try again.
      await this.#storage.note(allowed, (unit) => release(unit, index));
      throw error;
    }
  }
}

type Row = { request: Uint8Array; body: Uint8Array | null; at: string };

async function take(unit: Unit, index: Uint8Array, digest: Uint8Array): Promise<{ reply: unknown } | undefined> {
  await unit.query("delete from replay where at < $1", [unit.at - lifetime]);
  const taken = await unit.query(
    "insert into replay (org, key, request, at) values ($1, $2, $3, $4) on conflict (org, key) do nothing returning 1",
    [uuidOf(unit.scope.org), index, digest, unit.at],
  );
  if (taken.length > 0) return undefined;
  const [row] = await unit.query<Row>("select request, body, at from replay where key = $1", [index]);
  if (!row || !Buffer.from(row.request).equals(Buffer.from(digest))) throw new Refusal("idempotency.reused");
  if (!row.body)
    throw new Refusal("request.conflict", {
      detail: "The first request with this key has no answer yet.",
      retryAfterSeconds: 1,
    });
  return { reply: JSON.parse(new TextDecoder().decode(unit.scope.open("replay", index.toHex(), row.body))) };
}

async function keep(unit: Unit, index: Uint8Array, reply: unknown): Promise<void> {
  const sealed = unit.scope.seal("replay", index.toHex(), new TextEncoder().encode(JSON.stringify(reply)));
  await unit.query("update replay set body = $2 where key = $1", [index, sealed]);
}

async function release(unit: Unit, index: Uint8Array): Promise<void> {
  await unit.query("delete from replay where key = $1 and body is null", [index]);
}

/** The reply less the field that `mints` names, such as `key.secret`. */
function withoutSecret(route: Route, reply: unknown): unknown {
  if (route.mints === undefined) return reply;
  const copy: unknown = structuredClone(reply);
  const names = route.mints.split(".");
  let at: unknown = copy;
  for (const name of names.slice(0, -1))
    at = typeof at === "object" && at !== null ? Object.entries(at).find(([key]) => key === name)?.[1] : undefined;
  if (typeof at === "object" && at !== null) Reflect.deleteProperty(at, names.at(-1) ?? "");
  return copy;
}
