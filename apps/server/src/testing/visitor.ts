import { Agent, request } from "node:https";

export type Welcome = { readonly org: string; readonly person: string; readonly token: string };

export type Answer<T> = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: T;
  readonly text: string;
};

type Sent = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bytes?: Uint8Array;
};

/** A plain HTTPS client, as a stranger would write one: no code of ours between the test and the wire. */
export class Visitor {
  readonly #url: string;
  readonly #ca: string;
  readonly #token: string | undefined;
  readonly #agent: Agent;

  constructor(url: string, ca: string, token?: string, agent?: Agent) {
    this.#url = url;
    this.#ca = ca;
    this.#token = token;
    this.#agent = agent ?? new Agent({ keepAlive: true, maxSockets: 64, ca });
  }

  as(token: string): Visitor {
    return new Visitor(this.#url, this.#ca, token, this.#agent);
  }

  /** The same by connections of its own: those that are there may be closed by the platform in the moment in which one asks. */
  anew(): Visitor {
    return new Visitor(this.#url, this.#ca, this.#token);
  }

  /** The same with a connection for each question, where the test's time is that of connections, too. */
  unkept(): Visitor {
    return new Visitor(this.#url, this.#ca, this.#token, new Agent({ ca: this.#ca }));
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  /** Whatever the answer is. */
  send<T = unknown>(method: string, path: string, { body, headers, bytes }: Sent = {}): Promise<Answer<T>> {
    const payload = bytes ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, this.#url), {
        method,
        agent: this.#agent,
        ca: this.#ca,
        headers: {
          ...(payload && { "content-type": "application/json", "content-length": String(payload.length) }),
          ...(this.#token !== undefined && { "x-auth-token": this.#token }),
          ...headers,
        },
      });
      call.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => void chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = /[/+]json/.test(response.headers["content-type"] ?? "");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: (isJson ? JSON.parse(text) : text) as T,
          }); // the test says what it expects
        });
      });
      call.on("error", reject);
      call.end(payload);
    });
  }

  get<T = unknown>(path: string): Promise<T> {
    return this.#good("GET", path);
  }

  post<T = unknown>(path: string, body: unknown = {}): Promise<T> {
    return this.#good("POST", path, { body });
  }

  put<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#good("PUT", path, { body });
  }

  patch<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#good("PATCH", path, { body });
  }

  delete<T = unknown>(path: string): Promise<T> {
    return this.#good("DELETE", path);
  }

  async #good<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const { status, body, text } = await this.send<T>(method, path, sent);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return body;
  }
}
