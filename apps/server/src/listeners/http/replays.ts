import { Refusal, uuidOf } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";
import { asPlatform, type Caller } from "../../authority/index.ts";
import type { Allowed, Storage, Unit } from "../../storage/index.ts";

const lifetime = 24 * 3_600_000; // milliseconds that a key is remembered

type Request = { readonly caller: Caller; readonly route: Route; readonly key: string; readonly asked: unknown };
type Outcome = { readonly reply: unknown; readonly isReplay: boolean };

/**
 * `Idempotency-Key`: a management request that was answered is answered the same again, without the secret that it showed.
 * The key is taken before the work and belongs to the credential that sent it. A refusal is not remembered: nothing was done.
 */
export class Replays {
  readonly #storage: Storage;
  /** Work under way, by key: whoever repeats the request meanwhile waits for its end. One process serves a database. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @throws Refusal `idempotency.reused`, `idempotency.interrupted`, and whatever `work` throws */
  async once(request: Request, work: () => Promise<unknown>): Promise<Outcome> {
    const { caller, key, route } = request;
    if (key.length === 0 || key.length > 255)
      throw new Refusal("request.malformed", { faults: [{ path: "Idempotency-Key", message: "1 to 255 characters" }] });
    const { scope } = caller.space;
    const index = scope.index("idempotency", `${caller.credential.id} ${key}`);
    // Keyed, because a bare digest of a short body would tell what it said.
    const digest = scope.index("request", `${route.method} ${route.path} ${JSON.stringify(request.asked)}`);
    const name = `${scope.org} ${index.toHex()}`;
    for (let other = this.#running.get(name); other; other = this.#running.get(name)) await other;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(name, promise);
    try {
      return await this.#do(request, index, digest, work);
    } finally {
      this.#running.delete(name);
      resolve();
    }
  }

  async #do({ caller, route }: Request, index: Uint8Array, digest: Uint8Array, work: () => Promise<unknown>) {
    const allowed = asPlatform(caller.space.scope);
    const before = await this.#storage.note(allowed, (unit) => take(unit, index, digest));
    if (before) return { reply: before.reply, isReplay: true };
    let reply: unknown;
    try {
      reply = await work();
    } catch (error) {
      // Only a refusal says that nothing was done, and not the one of a database that went away meanwhile.
      if (error instanceof Refusal && error.code !== "storage.unavailable")
        await this.#remember(allowed, (unit) => release(unit, index));
      throw error;
    }
    await this.#remember(allowed, (unit) => keep(unit, index, withoutSecret(route, reply)));
    return { reply, isReplay: false };
  }

  async #remember(allowed: Allowed, write: (unit: Unit) => Promise<void>): Promise<void> {
    try {
      await this.#storage.note(allowed, write);
    } catch (error) {
      // Then the key stays taken, and the next request with it is told so. How this one ended matters more.
      if (!(error instanceof Refusal)) throw error;
    }
  }
}

type Row = { request: Uint8Array; body: Uint8Array | null };

async function take(unit: Unit, index: Uint8Array, digest: Uint8Array): Promise<{ reply: unknown } | undefined> {
  await unit.query("delete from replay where at < $1", [unit.at - lifetime]);
  const taken = await unit.query(
    "insert into replay (org, key, request, at) values ($1, $2, $3, $4) on conflict (org, key) do nothing returning 1",
    [uuidOf(unit.scope.org), index, digest, unit.at],
  );
  if (taken.length > 0) return undefined;
  const [row] = await unit.query<Row>("select request, body from replay where key = $1", [index]);
  if (!row || !Buffer.from(row.request).equals(digest)) throw new Refusal("idempotency.reused");
  // Nobody works on it any more, or we would have waited: the server, or the database, went away in between.
  if (!row.body) throw new Refusal("idempotency.interrupted");
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
