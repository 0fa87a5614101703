import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import tls from "node:tls";
import { connectAsync, type IClientOptions } from "mqtt";
import { requestOf } from "@holdfast/client";
import type { KeyPair } from "@holdfast/client/testing";
import type { TestPlatform } from "../apps/server/src/testing/index.ts";
import { placeOf } from "./clients.fixture.ts";

/** What the platform answers when it issues a certificate. */
export type Certificate = {
  readonly id: string;
  readonly certificateAuthority: string;
  readonly serial: string;
  readonly certificate: string;
  readonly chain: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly expiresAt?: string;
  readonly formerEndsAt?: string;
};

export type Authority = { readonly id: string; readonly name: string; readonly certificate: string };

/** What a client shows in the handshake. */
export type Shows = { readonly cert: string; readonly key: string };

export const p256 = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "P-256" });
export const ed25519 = (): KeyPair => generateKeyPairSync("ed25519");

export const csrOf = ({ privateKey, publicKey }: KeyPair): Promise<string> => {
  const kind = publicKey.asymmetricKeyType === "ed25519" ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256" };
  return requestOf({
    privateKey: privateKey.toCryptoKey(kind, true, ["sign"]),
    publicKey: publicKey.toCryptoKey(kind, true, ["verify"]),
  });
};

export const showing = ({ certificate }: Pick<Certificate, "certificate">, { privateKey }: KeyPair): Shows => ({
  cert: certificate,
  key: privateKey.export({ type: "pkcs8", format: "pem" }),
});

type Answer = { readonly status: number; readonly body: { readonly code?: string } & Partial<Certificate> };

/** Clients that know nothing of Holdfast, over each way by which a certificate may come. */
export function comers(test: TestPlatform) {
  const { ca, mqttPort } = placeOf(test);
  const { mqttsUrl, clientCertificateUrl = "" } = test.platform;
  return {
    byMqtt: (shows: Shows, more: IClientOptions = {}) =>
      connectAsync(mqttsUrl, { ca, reconnectPeriod: 0, ...shows, ...more }),

    byHttps: (shows: Shows, path = "/v1/me", body?: object): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const call = request(`${clientCertificateUrl}${path}`, {
          ca,
          agent: false,
          ...shows,
          ...(body && { method: "POST", headers: { "content-type": "application/json" } }),
        });
        call.on("error", reject).on("response", (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer["body"] }),
          ); // the platform's
        });
        call.end(body && JSON.stringify(body));
      }),

    /** What somebody gets who was there before, and may come back with. */
    async ticketOf(shows: Shows): Promise<Buffer> {
      const socket = tls.connect({ host: "127.0.0.1", port: mqttPort, servername: "localhost", ca, ...shows });
      const [session] = await once(socket, "session");
      socket.destroy();
      return session as Buffer; // what the event brings
    },
  };
}
