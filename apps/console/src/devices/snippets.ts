import { cLines, quote } from "./quote.ts";

/** Everything that a first reading needs. */
export type Facts = {
  /** Where HTTPS is: `https://host:port`. */
  readonly url: string;
  readonly mqttHost: string;
  readonly mqttPort: number;
  readonly key: { readonly id: string; readonly secret: string };
  /** What a client has to trust; nothing where its system trusts the platform anyway. */
  readonly caPem: string | undefined;
};

export type Snippet = {
  /** What it is written in, for whoever colours it. */
  readonly language: "sh" | "python" | "javascript" | "c" | "cpp" | "json";
  readonly text: string;
  /** Files that it reads beside it. */
  readonly files: readonly "ca.pem"[];
};

const topic = "me/telemetry";
const reading = '{"temperature": 21.5}';

/** One program each that sends a first reading, ready to be copied. */
export const snippets = {
  mosquitto: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "sh",
    text: [
      "mosquitto_pub",
      caPem === undefined ? "--tls-use-os-certs" : "--cafile ca.pem",
      `-h ${quote.shell(mqttHost)} -p ${mqttPort}`,
      `-u ${quote.shell(key.id)} -P ${quote.shell(key.secret)}`,
      `-q 1 -t ${topic} -m ${quote.shell(reading)}`,
    ].join(" \\\n  "),
    files: trust(caPem),
  }),

  curl: ({ url, key, caPem }: Facts): Snippet => ({
    language: "sh",
    text: [
      "curl",
      ...(caPem === undefined ? [] : ["--cacert ca.pem"]),
      `-H ${quote.shell(`X-Auth-Token: ${key.id}.${key.secret}`)}`,
      `-H 'Content-Type: application/json' -d ${quote.shell(reading)}`,
      quote.shell(`${url}/v1/me/telemetry`),
    ].join(" \\\n  "),
    files: trust(caPem),
  }),

  python: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "python",
    text: `# pip install paho-mqtt
import json
import paho.mqtt.publish as publish

publish.single(
    ${quote.python(topic)}, json.dumps({"temperature": 21.5}), qos=1,
    hostname=${quote.python(mqttHost)}, port=${mqttPort}, tls=${caPem === undefined ? "{}" : '{"ca_certs": "ca.pem"}'},
    auth={"username": ${quote.python(key.id)}, "password": ${quote.python(key.secret)}},
)`,
    files: trust(caPem),
  }),

  mqttjs: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "javascript",
    text: `// npm install mqtt
import { connectAsync } from "mqtt";
${caPem === undefined ? "" : 'import { readFileSync } from "node:fs";\n'}
const client = await connectAsync(${quote.json(`mqtts://${mqttHost}:${mqttPort}`)}, {
  username: ${quote.json(key.id)},
  password: ${quote.json(key.secret)},${caPem === undefined ? "" : '\n  ca: readFileSync("ca.pem"),'}
});
await client.publishAsync(${quote.json(topic)}, JSON.stringify({ temperature: 21.5 }), { qos: 1 });
await client.endAsync();`,
    files: trust(caPem),
  }),

  holdfast: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "javascript",
    text: `// npm install PATH-OF-HOLDFAST/packages/device
${caPem === undefined ? "" : 'import { readFileSync } from "node:fs";\n'}import { Device } from "@holdfast/device";

const device = Device.connect({
  url: ${quote.json(`mqtts://${mqttHost}:${mqttPort}`)},
  key: { id: ${quote.json(key.id)}, secret: ${quote.json(key.secret)} },${caPem === undefined ? "" : '\n  ca: readFileSync("ca.pem", "utf8"),'}
});
device.on("offline", ({ cause }) => console.error(cause));
await device.send({ temperature: 21.5 });
await device.close();`,
    files: trust(caPem),
  }),

  c: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "c",
    text: `// cc reading.c -lssl -lcrypto
#include <openssl/ssl.h>
#include <string.h>

static unsigned char packet[1024], *at = packet;

static void text(const char *of) {
    size_t length = strlen(of);
    *at++ = (unsigned char)(length >> 8);
    *at++ = (unsigned char)length;
    memcpy(at, of, length);
    at += length;
}

static int out(BIO *line, int type) {
    size_t length = (size_t)(at - packet);
    unsigned char head[3] = {(unsigned char)type, length & 127, (unsigned char)(length >> 7)};
    if (length > 127) head[1] |= 128;
    return BIO_write(line, head, length > 127 ? 3 : 2) > 0 && BIO_write(line, packet, (int)length) > 0;
}

int main(void) {
    const char *key = ${quote.c(key.id)}, *secret = ${quote.c(key.secret)}, *reading = ${quote.c(reading)};
    unsigned char answer[4];
    SSL *tls;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ${caPem === undefined ? "SSL_CTX_set_default_verify_paths(context);" : 'SSL_CTX_load_verify_locations(context, "ca.pem", NULL);'}
    BIO *line = BIO_new_ssl_connect(context);
    BIO_get_ssl(line, &tls);
    SSL_set_tlsext_host_name(tls, ${quote.c(mqttHost)});
    SSL_set1_host(tls, ${quote.c(mqttHost)});
    BIO_set_conn_hostname(line, ${quote.c(`${mqttHost}:${mqttPort}`)});
    if (BIO_do_connect(line) <= 0) return 1;
    // CONNECT
    text("MQTT");
    memcpy(at, "\\x04\\xc2\\x00\\x3c", 4); // 3.1.1; user name, password, no session; 60 s
    at += 4;
    text(key);
    text(key);
    text(secret);
    if (!out(line, 0x10) || BIO_read(line, answer, 4) != 4 || answer[3] != 0) return 2;
    at = packet; // PUBLISH
    text(${quote.c(topic)});
    *at++ = 0;
    *at++ = 1;
    memcpy(at, reading, strlen(reading));
    at += strlen(reading);
    // PUBACK: the platform has it on disk.
    return out(line, 0x32) && BIO_read(line, answer, 4) == 4 && answer[0] == 0x40 ? 0 : 3;
}`,
    files: trust(caPem),
  }),

  espIdf: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "c",
    text: `#include "mqtt_client.h"
${caPem === undefined ? '#include "esp_crt_bundle.h"\n' : `\nstatic const char *trusted =\n    ${cLines(caPem, "    ")};\n`}
static void said(void *arg, esp_event_base_t base, int32_t event, void *data) {
    if (event != MQTT_EVENT_CONNECTED) return;
    esp_mqtt_client_publish(((esp_mqtt_event_handle_t)data)->client, ${quote.c(topic)}, ${quote.c(reading)}, 0, 1, 0);
}

void send_first_reading(void) {
    esp_mqtt_client_config_t config = {
        .broker.address.uri = ${quote.c(`mqtts://${mqttHost}:${mqttPort}`)},
        ${caPem === undefined ? ".broker.verification.crt_bundle_attach = esp_crt_bundle_attach" : ".broker.verification.certificate = trusted"},
        .credentials.username = ${quote.c(key.id)},
        .credentials.authentication.password = ${quote.c(key.secret)},
    };
    esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);
    esp_mqtt_client_register_event(client, ESP_EVENT_ANY_ID, said, NULL);
    esp_mqtt_client_start(client);
}`,
    files: [],
  }),

  arduino: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "cpp",
    text: `#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <PubSubClient.h>

${caPem === undefined ? "" : `static const char *trusted =\n  ${cLines(caPem, "  ")};\n\n`}WiFiClientSecure tls;
PubSubClient mqtt(tls);

// Once WiFi is connected, and the clock is set (configTime): without the time no certificate is valid.
void sendFirstReading() {
  ${caPem === undefined ? "tls.setCACertBundle(rootca_crt_bundle_start, rootca_crt_bundle_end - rootca_crt_bundle_start);" : "tls.setCACert(trusted);"}
  mqtt.setServer(${quote.c(mqttHost)}, ${mqttPort});
  if (mqtt.connect(${quote.c(key.id)}, ${quote.c(key.id)}, ${quote.c(key.secret)})) {
    mqtt.publish(${quote.c(topic)}, ${quote.c(reading)});
  }
}`,
    files: [],
  }),

  nodeRed: ({ mqttHost, mqttPort, key, caPem }: Facts): Snippet => ({
    language: "json",
    text: JSON.stringify(
      [
        { id: "hf-flow", type: "tab", label: "Holdfast" },
        {
          id: "hf-inject",
          type: "inject",
          z: "hf-flow",
          x: 120,
          y: 80,
          name: "a reading",
          props: [{ p: "payload" }],
          payload: reading,
          payloadType: "json",
          once: true,
          onceDelay: 5, // what is said before it is connected goes nowhere
          wires: [["hf-out"]],
        },
        {
          id: "hf-out",
          type: "mqtt out",
          z: "hf-flow",
          x: 340,
          y: 80,
          topic,
          qos: "1",
          broker: "hf-broker",
          wires: [],
        },
        {
          id: "hf-broker",
          type: "mqtt-broker",
          name: "Holdfast",
          broker: mqttHost,
          port: String(mqttPort),
          protocolVersion: "5",
          usetls: true,
          tls: "hf-tls",
          credentials: { user: key.id, password: key.secret },
        },
        {
          id: "hf-tls",
          type: "tls-config",
          name: "Holdfast",
          verifyservercert: true,
          cert: "", // without these two a flow that is loaded from a file does not start
          key: "",
          ca: caPem === undefined ? "" : "ca.pem",
        },
      ],
      undefined,
      2,
    ),
    files: trust(caPem),
  }),
} as const satisfies Record<string, (facts: Facts) => Snippet>;

/** How a frame travels. */
export type SocketWay = "udp" | "tcp";

/** The encoder in C (examples/socket.c), compiled and run; `counter` is other for each frame of a boot. */
export function socketSnippet({
  host,
  port,
  way,
  secret,
  counter,
}: {
  readonly host: string;
  readonly port: number;
  readonly way: SocketWay;
  readonly secret: string;
  readonly counter: number;
}): string {
  const flags = way === "tcp" ? "--tcp " : "";
  return [
    "cc -std=c99 -O2 -o socket socket.c",
    `./socket ${flags}${quote.shell(host)} ${port} ${quote.shell(secret)} 1 ${counter} 'temperature=21.5'`,
  ].join("\n");
}

export type ClientName = keyof typeof snippets;

function trust(caPem: string | undefined): readonly "ca.pem"[] {
  return caPem === undefined ? [] : ["ca.pem"];
}
