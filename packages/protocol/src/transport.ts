/** How bytes reach the platform: requests and event streams, MQTT, and whatever comes over a WebSocket. */
export const transports = ["https", "mqtts", "wss"] as const;
export type Transport = (typeof transports)[number];

/** What the platform speaks, weakest first. */
export const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof tlsVersions)[number];
