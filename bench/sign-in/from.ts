import { request } from "node:https";

export type Place = { readonly url: string; readonly ca: string };
export type Answer = { readonly status: number; readonly retryAfter: number };

/** Asks from an address of this machine, over a connection of its own: what strangers may ask for is counted by address. */
export function postFrom(address: string, { url, ca }: Place, path: string, asked: object): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(asked));
  const { port, hostname, host, origin } = new URL(url);
  const headers = { "content-type": "application/json", "content-length": String(body.length), host, origin };
  const to = { host: "127.0.0.1", port, servername: hostname, path, ca, agent: false, localAddress: address } as const;
  return new Promise((resolve, reject) => {
    const call = request({ ...to, method: "POST", headers }, (response) => {
      response.resume();
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: Number(response.headers["retry-after"]) }),
      );
    });
    call.once("error", reject);
    call.end(body);
  });
}
