import { request } from "node:https";
import { newSecret } from "@holdfast/crypto";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import {
  freshDatabase,
  startNameServer,
  startTestPlatform,
  TestClock,
  type Answer,
  type FreshDatabase,
  type TestPlatform,
  type Visitor,
} from "../apps/server/src/testing/index.ts";

export type Key = { readonly id: string; readonly secret: string };
export type Thing = { readonly id: string };
export type Device = Thing & { readonly key: Key };
export type Token = Thing & { readonly token: string };
export type Problem = { readonly code: string; readonly detail?: string };

export type Invitation = Thing & { readonly email: string; readonly link: string; readonly expiresAt: string };
export type Role = Thing & { readonly name: string; readonly grants: readonly string[]; readonly version: number };
export type SignedIn = {
  readonly org: string;
  readonly person: string;
  readonly token: string;
  readonly expiresAt: string;
};

export const secretIn = ({ link }: Pick<Invitation, "link">): string => link.split("#invitation=")[1] ?? "";
export const textOf = ({ id, secret }: Key): string => `${id}.${secret}`;

/** Somebody with the owner's token of an organisation, and what is made by that. */
export class Owner {
  readonly org: string;
  readonly person: string;
  readonly token: string;
  readonly asks: Visitor;
  readonly #visitor: Visitor;

  constructor(visitor: Visitor, { org, person, token }: { org: string; person: string; token: string }) {
    this.#visitor = visitor;
    this.org = org;
    this.person = person;
    this.token = token;
    this.asks = visitor.as(token);
  }

  application = (name = "Greenhouse") => this.asks.post<Thing>("/v1/applications", { name });
  product = (name = "Pump") =>
    this.asks.post<Thing>("/v1/products", { name, attributes: { temperature: { type: "number" } } });
  device = (application: string, more: object = {}) =>
    this.asks.post<Device>("/v1/devices", { application, name: "Pump 1", ...more });
  tokenOf = (grants: readonly string[], more: object = {}) =>
    this.asks.post<Token>("/v1/tokens", { name: "token", grants, ...more });
  accessKey = (application: string, grants?: readonly string[]) =>
    this.asks.post<Key>(`/v1/applications/${application}/keys`, { name: "access key", ...(grants && { grants }) });
  operatorKey = (more: object = {}) => this.asks.post<Key>("/v1/operator-keys", { name: "operator key", ...more });
  deviceKey = (device: string) => this.asks.post<Key>(`/v1/devices/${device}/keys`);
  role = (name: string, grants: readonly string[] = ["device.read"], more: object = {}) =>
    this.asks.post<Role>("/v1/roles", { name, grants, ...more });
  invite = (email: string, role = "viewer") => this.asks.post<Invitation>("/v1/invitations", { email, role });
  /** Somebody who was invited and came. */
  async member({ email, password }: { email: string; password: string }, role = "viewer"): Promise<SignedIn> {
    const secret = secretIn(await this.invite(email, role));
    return this.#visitor.post<SignedIn>("/v1/invitations/accept", { secret, email, password });
  }

  deny = (value: string, what = "address") => this.asks.post<Thing>("/v1/lists", { list: "deny", what, value });

  revoke = (credential: string) => this.asks.delete(`/v1/credentials/${credential}`);

  async audited(about?: string): Promise<readonly Entry[]> {
    const query = about === undefined ? "limit=1000" : `limit=1000&about=${about}`;
    return (await this.asks.get<{ items: Entry[] }>(`/v1/audit?${query}`)).items;
  }

  /** The same once it is as expected: refusals are written a moment later, so that saying no waits for nothing. */
  async auditedOnce(found: (entries: readonly Entry[]) => boolean, about: string): Promise<readonly Entry[]> {
    const until = performance.now() + 30_000;
    for (;;) {
      const entries = await this.audited(about);
      if (found(entries)) return entries;
      if (performance.now() > until) throw new Error(`it never came about: ${JSON.stringify(entries)}`);
      await new Promise((resolve) => setTimeout(resolve, 20)); // whoever asks without a pause is told to wait
    }
  }
}

export type Entry = {
  readonly what: string;
  readonly about: string;
  readonly by: string;
  readonly facts?: Readonly<Record<string, unknown>>;
};

/** An organisation that is not empty: two applications, a product, devices in both, a reading of each. */
export async function furnish(owner: Owner, visitor: Visitor) {
  const [application, other, product] = await Promise.all([
    owner.application(),
    owner.application("Workshop"),
    owner.product(),
  ]);
  const device = await owner.device(application.id, { product: product.id, alias: "pump-1", tags: { site: "north" } });
  const neighbour = await owner.device(application.id);
  const elsewhere = await owner.device(other.id);
  for (const { key } of [device, neighbour, elsewhere])
    await visitor.as(textOf(key)).post("/v1/me/telemetry", { temperature: 21.5 });
  return { application, other, product, device, neighbour, elsewhere };
}
export type Furnished = Awaited<ReturnType<typeof furnish>>;

export const viewer = { email: "viewer@example.com", password: "correct horse battery staple" } as const;

export type World = {
  readonly platform: TestPlatform;
  readonly clock: TestClock;
  readonly database: FreshDatabase;
  readonly ours: Owner;
  readonly theirs: Owner;
  /** The token of somebody who signed in and may only look. */
  readonly viewer: string;
  close(): Promise<void>;
};

/** A platform with two organisations and a person who may only look. The clock stands still until it is moved; timers are the machine's. */
export async function startWorld(): Promise<World> {
  const database = await freshDatabase();
  const clock = new TestClock(systemClock.now());
  const names = await startNameServer(() => undefined); // nobody has a name
  const config = { dnsServer: names.place };
  const platform = await startTestPlatform({ database, clock, config });
  const { visitor } = platform;
  const ours = new Owner(visitor, await platform.setUp());
  const theirs = new Owner(visitor, await platform.setUp());
  return {
    platform,
    clock,
    database,
    ours,
    theirs,
    viewer: (await ours.member(viewer)).token,
    async close() {
      await platform.close();
      names.close();
      await database.drop();
    },
  };
}

/** An identifier as ours are, of something that never was. */
export const unknown = (kind: Parameters<typeof newId>[0]): string => newId(kind, systemRandom);
/** A key as ours are, of nobody. */
export const nobodysKey = (): string => textOf({ id: unknown("key"), secret: newSecret(systemRandom) });

/** The status of an answer that does not end, and what it says when it is an error. */
export function statusOfStream(
  { platform }: TestPlatform,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Pick<Answer<Problem | undefined>, "status" | "body" | "headers">> {
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, platform.url), { ca: platform.caPem, headers, agent: false });
    call.on("error", reject);
    call.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (status < 300) {
        resolve({ status, body: undefined, headers: response.headers });
        call.destroy();
        return;
      }
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status, body: JSON.parse(text) as Problem, headers: response.headers })); // errors are RFC 9457
    });
    call.end();
  });
}

/** A platform with two organisations, each not empty. */
export async function startOrgs() {
  const platform = await startTestPlatform();
  const { visitor } = platform;
  const ours = new Owner(visitor, await platform.setUp());
  const theirs = new Owner(visitor, await platform.setUp());
  const [our, their] = await Promise.all([furnish(ours, visitor), furnish(theirs, visitor)]);
  return { platform, visitor, ours, theirs, our, their };
}
