import type { Answer, TestPlatform } from "../apps/server/src/testing/index.ts";
import { http2, placeOf } from "./clients.fixture.ts";

export type SignedIn = {
  readonly person: { readonly id: string; readonly email: string };
  readonly expiresAt: string;
  readonly orgs: readonly {
    readonly id: string;
    readonly name: string;
    readonly role: string;
    readonly grants: readonly string[];
    readonly isSimulated: boolean;
    readonly expiresAt?: string;
    readonly endsAt?: string;
    readonly refused?: { readonly code: string; readonly because: string };
  }[];
};

type Sent = { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };
type Send = <T>(method: string, path: string, sent: Sent) => Promise<Answer<T>>;

export type Version = "HTTP/1.1" | "HTTP/2";

/** As much of a browser as a session needs: it keeps the cookie, and says which page asks. */
export class CookieBrowser {
  readonly origin: string;
  readonly #send: Send;
  readonly #close: () => void;
  cookie: string | undefined;
  /** By which it is known again. */
  known: string | undefined;
  /** As a member of which organisation it asks. */
  org: string | undefined;

  constructor(platform: TestPlatform, version: Version = "HTTP/1.1") {
    this.origin = platform.platform.url;
    if (version === "HTTP/1.1") {
      this.#send = (method, path, sent) => platform.visitor.send(method, path, sent);
      this.#close = () => {};
      return;
    }
    const { ask, session } = http2(placeOf(platform));
    this.#close = () => session.destroy();
    this.#send = async (method, path, { body, headers }) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const type = payload === undefined ? {} : { "content-type": "application/json" };
      const answer = await ask({ ":method": method, ":path": path, ...type, ...headers }, payload);
      const isJson = /json/.test(String(answer.headers["content-type"]));
      return { ...answer, body: isJson ? JSON.parse(answer.text) : answer.text } as never; // the test says what it expects
    };
  }

  close(): void {
    this.#close();
  }

  /** What it sends by itself. */
  headers(method: string): Record<string, string> {
    return {
      ...this.#cookies(),
      ...(method !== "GET" && method !== "HEAD" && { origin: this.origin }),
      ...(this.org !== undefined && { "holdfast-org": this.org }),
      "sec-fetch-site": "same-origin",
    };
  }

  async send<T = unknown>(method: string, path: string, { body, headers }: Sent = {}): Promise<Answer<T>> {
    const answer = await this.#send<T>(method, path, { body, headers: { ...this.headers(method), ...headers } });
    for (const set of [answer.headers["set-cookie"]].flat()) {
      const [, name, text = ""] = /^(__Host-holdfast(?:-browser)?)=([^;]*)/.exec(set ?? "") ?? [];
      const kept = text === "" ? undefined : text;
      if (name === "__Host-holdfast") this.cookie = kept;
      if (name === "__Host-holdfast-browser") this.known = kept;
    }
    return answer;
  }

  #cookies(): { cookie?: string } {
    const both = [
      ...(this.cookie === undefined ? [] : [`__Host-holdfast=${this.cookie}`]),
      ...(this.known === undefined ? [] : [`__Host-holdfast-browser=${this.known}`]),
    ];
    return both.length > 0 ? { cookie: both.join("; ") } : {};
  }

  /** What answered well, or an error. */
  async good<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const sent = { headers, ...(body === undefined ? {} : { body }) };
    const { status, text, body: reply } = await this.send<T>(method, path, sent);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return reply;
  }

  async signIn(who: { email: string; password: string }): Promise<SignedIn> {
    const signedIn = await this.good<SignedIn>("POST", "/v1/sessions", who);
    this.org ??= signedIn.orgs[0]?.id;
    return signedIn;
  }

  /** Proves once more who is there. */
  async confirm({ password }: { password: string }): Promise<void> {
    await this.good("POST", "/v1/account/confirmation", { password });
  }
}
