import { words } from "../words/index.ts";

const own = words.held;

/** What the lines need: where the platform is, and what is shown there. Ids, secrets and addresses need no quotes that are not here. */
export type Place = {
  readonly url: string;
  readonly mqttsUrl: string;
  readonly caPem?: string | undefined;
  /** Where HTTPS takes client certificates; not everywhere. */
  readonly clientCertificateUrl?: string | undefined;
};
export type Bound = {
  readonly id: string;
  readonly kind: string;
  /** As it is shown: a token, or a key's id and secret with a point between; none where the key alone opens. */
  readonly text: string | undefined;
  /** There is a certificate of it already. */
  readonly isIssued?: boolean;
};

export type Command = { readonly name: keyof typeof own.uses; readonly text: string };

/** How a credential that is bound to a key is used: by a client certificate of that key, or by proofs that the command signs. */
export function commandsOf(
  { id, kind, text, isIssued = false }: Bound,
  { url, mqttsUrl, caPem, clientCertificateUrl }: Place,
): Command[] {
  const mqtt = new URL(mqttsUrl.replace(/^mqtts:/, "https:"));
  const isDevice = kind === "device" || kind === "certificate";
  const [user, password] = text === undefined ? [] : text.startsWith("hf_") ? ["token", text] : cut(text);
  const trust = { mosquitto: caPem ? "--cafile ca.pem" : "--tls-use-os-certs", curl: caPem ? "--cacert ca.pem " : "" };
  const certificate = {
    name: "certificate",
    text: `openssl req -x509 -key key.pem -subj '/CN=${id}' -days 3650 -out key.crt`,
  } as const;
  const mosquitto = [
    isDevice ? "mosquitto_pub" : "mosquitto_sub",
    `-h '${mqtt.hostname}' -p ${mqtt.port || 8883} ${trust.mosquitto}`,
    "--cert key.crt --key key.pem",
    ...(user === undefined ? [] : [`-u '${user}' -P '${password}'`]),
    isDevice ? `-q 1 -t me/telemetry -m '{"temperature": 21.5}'` : "-t 'devices/+/telemetry'",
  ];
  const curl = [
    `curl ${trust.curl}--cert key.crt --key key.pem`,
    ...(text === undefined ? [] : [`-H 'X-Auth-Token: ${text}'`]),
    `'${clientCertificateUrl}/v1/me'`,
  ];
  const holdfast = [
    `HOLDFAST_TOKEN='${text}'`,
    `npx holdfast whoami --url '${url}'${caPem ? " --ca-file ca.pem" : ""} --key-file key.pem`,
  ];
  return [
    ...(isIssued ? [] : [certificate]),
    { name: "mosquitto", text: mosquitto.join(" \\\n  ") },
    ...(clientCertificateUrl === undefined ? [] : [{ name: "curl" as const, text: curl.join(" \\\n  ") }]),
    ...(text === undefined ? [] : [{ name: "holdfast" as const, text: holdfast.join(" \\\n  ") }]),
  ];
}

const cut = (text: string): readonly [string, string] => {
  const at = text.indexOf(".");
  return [text.slice(0, at), text.slice(at + 1)];
};
