import assert from "node:assert/strict";
import type { Answer, TestClock, Visitor } from "../apps/server/src/testing/index.ts";
import { textOf, type Device, type Key, type Owner, type Problem, type Thing } from "./authority.fixture.ts";

// Customers of an application, as its page asks for them.
export const page = "https://app.example";
export const password = "correct horse battery staple";

export type SignedIn = {
  user: string;
  session: string;
  accessToken: string;
  refreshToken: string;
  accessExpiresAt: string;
  expiresAt: string;
};
export type User = Thing & { login: string; state: string };
export type Invited = User & { code: string };
export type List<T> = { items: T[] };
export type Session = Thing & { from: string; isCurrent?: true; exposedAt?: string };

let count = 0;
export const freshLogin = () => `customer-${(count += 1)}@example.com`;

export const says = ({ status, body }: Answer<unknown>) => `${status} ${(body as Problem).code}`;

type World = { readonly visitor: Visitor; readonly clock: TestClock };

/** An application with its page, whoever runs it. */
export class App {
  readonly #world: World;
  readonly who: Owner;
  readonly id: string;
  readonly key: string;

  private constructor(world: World, who: Owner, id: string, key: string) {
    this.#world = world;
    this.who = who;
    this.id = id;
    this.key = key;
  }

  static async of(
    world: World,
    who: Owner,
    signUp = "open",
    origins: readonly string[] = [page],
    rate: { perMinute: number } = { perMinute: 60_000 },
  ): Promise<App> {
    const application = await who.application();
    await who.asks.send("PATCH", `/v1/applications/${application.id}`, { body: { signUp } });
    const key = await who.asks.post<Key>(`/v1/applications/${application.id}/keys`, {
      name: "page",
      kind: "application",
      conditions: { origins, rate },
    });
    return new App(world, who, application.id, textOf(key));
  }

  /** As the page asks. */
  ask<T = Problem>(method: string, path: string, body?: unknown, token?: string, more: Record<string, string> = {}) {
    this.#world.clock.move(1_000); // so that asking often is not what decides
    const headers = { origin: page, ...(token !== undefined && { authorization: `Bearer ${token}` }), ...more };
    const sent = { headers, ...(body !== undefined && { body }) };
    return this.#world.visitor.send<T>(method, `${path}?key=${this.key}`, sent);
  }

  signUp = (login: string, as = password) => this.ask("POST", "/v1/application-users", { login, password: as });
  signInAs = <T = SignedIn>(login: string, as = password, more: Record<string, string> = {}) =>
    this.ask<T>("POST", "/v1/application-users/sign-in", { login, password: as }, undefined, more);
  refresh = <T = SignedIn>(refreshToken: string, more: Record<string, string> = {}) =>
    this.ask<T>("POST", "/v1/application-users/refresh", { refreshToken }, undefined, more);
  signOut = (refreshToken: string) => this.ask("POST", "/v1/application-users/sign-out", { refreshToken });
  me = (token: string) => this.ask<User & Problem>("GET", "/v1/application-users/me", undefined, token);

  async user(login = freshLogin()): Promise<SignedIn & { login: string }> {
    await this.signUp(login);
    const { status, body } = await this.signInAs(login);
    assert.equal(status, 200);
    return { ...body, login };
  }

  bind = (device: Thing, user: string | null) =>
    this.who.asks.send<Device & { user?: string } & Problem>("PUT", `/v1/devices/${device.id}/user`, {
      body: { user },
    });
  manage = <T>(method: string, path: string, body?: unknown) =>
    this.who.asks.send<T>(method, `/v1/applications/${this.id}/users${path}`, body === undefined ? {} : { body });
}
