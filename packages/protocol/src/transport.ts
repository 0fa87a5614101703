/**
 * How bytes reach the platform: requests and event streams, MQTT, whatever comes over a WebSocket, and frames of a direct socket (UDP, or TCP
 * without TLS). The last one is closed wherever no door names it.
 */
export const transports = ["https", "mqtts", "wss", "socket"] as const;
export type Transport = (typeof transports)[number];

/** What the platform speaks, weakest first. */
export const tlsVersions = ["TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof tlsVersions)[number];

/** What protects a frame of a direct socket, weakest first: nothing; a tag; encryption with a tag. */
export const socketModes = ["plain", "signed", "sealed"] as const;
export type SocketMode = (typeof socketModes)[number];

/** The same, and what is stronger than any of them. */
export const leastTransports = [...socketModes, "tls"] as const;
