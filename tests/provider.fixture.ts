import { once } from "node:events";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo, LookupFunction } from "node:net";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Provider, { type Configuration } from "oidc-provider";
import { selfSigned } from "@holdfast/client/testing";
import { callbackOf } from "@holdfast/protocol";
import { startNameServer, startTestPlatform, type NameServer } from "../apps/server/src/testing/index.ts";
import type { TestClock, TestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

/** Where every provider of a test is, by a name that only the test's own name server knows. */
export const providerHost = "provider.test";

/** Somebody at a provider: what it says of her. */
export type Account = Readonly<Record<string, unknown>> & { readonly email: string };

export type House = {
  /** How the platform is started. */
  readonly given: StartGiven & { readonly config: object };
  readonly platform: TestPlatform;
  readonly owner: Owner;
  readonly names: NameServer;
  /** What the name server says, by name and type. */
  readonly zone: Map<string, readonly string[]>;
  readonly server: Server;
  /** Of the provider. */
  readonly issuer: string;
  /** The certificate that it shows, which the operator trusts. */
  readonly cert: string;
  close(): Promise<void>;
};

type StartGiven = Omit<NonNullable<Parameters<typeof startTestPlatform>[0]>, "clock" | "config">;

/** A platform whose operator lets providers on this machine be called, and a server where a test puts one. */
export async function startHouse(clock?: TestClock, given: StartGiven = {}): Promise<House> {
  const { cert, key } = selfSigned({ name: providerHost });
  const outboundCa = path.join(mkdtempSync(path.join(tmpdir(), "holdfast-")), "house.pem");
  writeFileSync(outboundCa, cert);
  const zone = new Map<string, readonly string[]>([[`${providerHost} A`, ["127.0.0.1"]]]);
  const names = await startNameServer((name, type) => {
    const isKnown = [...zone.keys()].some((one) => one.startsWith(`${name} `));
    return zone.get(`${name} ${type}`) ?? (isKnown ? [] : undefined);
  });
  const server = createServer({ cert, key });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on a port
  const outboundAllow = [{ family: 4, prefix: 32, value: 0x7f_00_00_01n }] as const;
  const config = { outboundAllow, outboundCa, dnsServer: names.place };
  const how = { config, ...(clock && { clock }), ...given };
  const platform = await startTestPlatform(how);
  const owner = new Owner(platform.visitor, await platform.setUp());
  return {
    given: how,
    platform,
    owner,
    names,
    zone,
    server,
    issuer: `https://${providerHost}:${port}`,
    cert,
    async close() {
      server.closeAllConnections();
      server.close();
      names.close();
      await platform.close();
    },
  };
}

export const client = { id: "holdfast", secret: "a secret between the two of us" } as const;

/** A real provider (oidc-provider), where whoever is asked for signs in by her name. */
export function startProvider(
  { server, issuer, platform, owner }: House,
  accounts: Map<string, Account>,
  more: Configuration = {},
): Provider {
  const { url, caPem } = platform.platform;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${url}${callbackOf(owner.org)}`],
        post_logout_redirect_uris: [`${url}/sign-in`],
        ...(backChannel.get(issuer) && { backchannel_logout_uri: `${url}${backChannel.get(issuer)}` }),
        backchannel_logout_session_required: true,
      },
    ],
    pkce: { required: () => true },
    scopes: ["openid", "email", "profile", "groups"],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      groups: ["groups"],
      acr: null,
      amr: null,
      auth_time: null,
    },
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    cookies: { keys: ["a key of the test's"] },
    findAccount: (_, accountId) => {
      const account = accounts.get(accountId);
      return account && { accountId, claims: async () => ({ sub: accountId, ...account }) };
    },
    // Nobody is asked whether we may know who she is.
    async loadExistingGrant({ oidc }) {
      const { client: one, session } = oidc;
      const grant = new oidc.provider.Grant({ clientId: one?.clientId, accountId: session?.accountId });
      grant.addOIDCScope("openid email profile groups");
      await grant.save();
      return grant;
    },
    fetch: (address, options) => calling(address, options, caPem),
    ...more,
  });
  provider.on("backchannel.error", (_, error) => {
    throw error;
  });
  server.removeAllListeners("request");
  server.on("request", provider.callback());
  return provider;
}

/** Where a provider tells that somebody signed out, by its issuer: known once it was entered here. */
const backChannel = new Map<string, string>();

/** As `fetch`, trusting the platform's own authority. */
function calling(address: unknown, options: RequestInit | undefined, ca: string | undefined): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = request(String(address), {
      method: options?.method ?? "GET",
      headers: Object.fromEntries(new Headers(options?.headers)),
      ca,
      agent: false,
    });
    call.on("error", reject);
    call.on("response", (response) => {
      response.resume().on("end", () => resolve(new Response(null, { status: response.statusCode ?? 0 })));
    });
    call.end(options?.body instanceof URLSearchParams ? String(options.body) : undefined);
  });
}

type Page = { readonly status: number; readonly location: string | undefined; readonly body: string };

/** Somebody's browser, as far as a provider sees it: it keeps cookies and follows where it is sent. */
export class Wanderer {
  readonly #house: House;
  readonly #cookies = new Map<string, string>();

  constructor(house: House) {
    this.#house = house;
  }

  /** Follows until it is sent back to the platform, and signs in on the way as this account. */
  async through(location: string, account: string): Promise<URL> {
    let url = new URL(location);
    let page = await this.#ask(url);
    for (let steps = 0; steps < 20; steps += 1) {
      if (page.location !== undefined) {
        url = new URL(page.location, url);
        if (url.origin === this.#house.platform.platform.url) return url;
        page = await this.#ask(url);
        continue;
      }
      const action = /action="([^"]+)"/.exec(page.body)?.[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(page.body)?.[1];
      if (action === undefined) throw new Error(`the provider answered ${page.status}: ${page.body.slice(0, 500)}`);
      const form = { prompt: prompt ?? "login", login: account, password: "whatever" };
      page = await this.#ask(new URL(action, url), String(new URLSearchParams(form)));
    }
    throw new Error("the provider leads nowhere");
  }

  /** Signs out there, as a browser does that is sent there. */
  async signOut(location: string): Promise<URL> {
    const page = await this.#ask(new URL(location));
    const xsrf = /name="xsrf" value="(\w+)"/.exec(page.body)?.[1] ?? "";
    const action = /action="([^"]+)"/.exec(page.body)?.[1] ?? "";
    const done = await this.#ask(new URL(action, location), String(new URLSearchParams({ xsrf, logout: "yes" })));
    if (done.location === undefined) throw new Error(`the provider answered ${done.status}: ${done.body}`);
    return new URL(done.location, location);
  }

  #ask(url: URL, form?: string): Promise<Page> {
    const { cert } = this.#house;
    return new Promise((resolve, reject) => {
      const call = request(url, {
        method: form === undefined ? "GET" : "POST",
        ca: cert,
        agent: false,
        lookup: here,
        headers: {
          accept: "text/html",
          cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "),
          ...(form !== undefined && {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": Buffer.byteLength(form),
          }),
        },
      });
      call.on("error", reject);
      call.on("response", (response) => {
        for (const set of response.headers["set-cookie"] ?? []) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
          if (value === "" || /expires=Thu, 01 Jan 1970/i.test(set)) this.#cookies.delete(name);
          else this.#cookies.set(name, value);
        }
        let body = "";
        response.setEncoding("utf8").on("data", (part: string) => (body += part));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
        );
      });
      call.end(form);
    });
  }
}

const here: LookupFunction = (_, options, callback) => {
  if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
  else callback(null, "127.0.0.1", 4);
};

export type Entered = { readonly id: string; readonly version: number };

/** Enters a provider by its owner, and switches it on. */
export async function enter({ owner, issuer }: House, more: object = {}, as = owner.asks): Promise<Entered> {
  const body = {
    name: "Provider",
    issuer,
    clientId: client.id,
    clientSecret: client.secret,
    scopes: ["email", "groups"],
    ...more,
  };
  const { id } = await as.post<Entered & { backChannelLogout: string }>("/v1/providers", body);
  const entered = await as.patch<Entered & { backChannelLogout: string }>(`/v1/providers/${id}`, { isEnabled: true });
  backChannel.set(issuer, entered.backChannelLogout);
  return entered;
}

/** Somebody at a browser of her own, who comes by a provider. */
export class Comer extends CookieBrowser {
  readonly wanderer: Wanderer;
  readonly #house: House;
  errand: string | undefined;

  constructor(house: House) {
    super(house.platform);
    this.#house = house;
    this.wanderer = new Wanderer(house);
  }

  override headers(method: string): Record<string, string> {
    const { cookie, ...headers } = super.headers(method);
    const kept = [cookie, this.errand === undefined ? undefined : `__Host-holdfast-errand=${this.errand}`];
    const all = kept.filter((one) => one !== undefined).join("; ");
    return { ...headers, ...(all !== "" && { cookie: all }) };
  }

  override async send<T>(...asked: Parameters<CookieBrowser["send"]>) {
    const answer = await super.send<T>(...asked);
    for (const set of [answer.headers["set-cookie"] ?? []].flat()) {
      const [, errand] = /^__Host-holdfast-errand=([^;]*)/.exec(set) ?? [];
      if (errand !== undefined) this.errand = errand === "" ? undefined : errand;
      const [, session] = /^__Host-holdfast=([^;]*)/.exec(set) ?? [];
      if (session !== undefined) this.cookie = session === "" ? undefined : session;
    }
    return answer;
  }

  async begin(asked: object = { org: this.#house.owner.org }): Promise<string> {
    return (await this.good<{ location: string }>("POST", "/v1/provider-sign-ins", asked)).location;
  }

  /** What came back, for whatever answers it. */
  answer(back: URL) {
    return this.send<{ code?: string; detail?: string; org?: string; to?: string }>(
      "POST",
      "/v1/provider-sign-ins/answer",
      { body: { org: this.#house.owner.org, query: back.search } },
    );
  }

  /** The whole way. */
  async come(account: string, asked?: object) {
    const back = await this.wanderer.through(await this.begin(asked), account);
    this.org ??= this.#house.owner.org;
    return this.answer(back);
  }
}
