/** Control packet types, the upper four bits of the first byte (MQTT 5, table 2-1). */
export const packet = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The first bytes of the packets that acknowledge, flags included ([MQTT-2.1.3-1]). */
export const firstByte = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** Reason codes of MQTT 5 (section 2.4). From 0x80 on they say no. */
export const reason = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecific: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
} as const;

/** The return code of a CONNACK in MQTT 3.1.1 (table 3.1) that says best what the MQTT 5 code says. */
export function returnCodeOf(code: number): number {
  switch (code) {
    case reason.success:
      return 0;
    case reason.unsupportedProtocolVersion:
      return 1;
    case reason.clientIdNotValid:
      return 2;
    case reason.badUserNameOrPassword:
      return 4;
    case reason.notAuthorized:
    case reason.badAuthenticationMethod:
    case 0x8a: // banned
      return 5;
    default:
      return 3;
  }
}

/** Some codes of a CONNACK do not belong into a DISCONNECT (tables 3-1 and 3-13): what says it best there. */
export function disconnectCodeOf(code: number): number {
  const isConnackOnly = (code >= 0x84 && code <= 0x86) || code === 0x8a || code === reason.badAuthenticationMethod;
  return isConnackOnly ? reason.notAuthorized : code === reason.serverUnavailable ? reason.serverBusy : code;
}

const sentences = new Map<number, string>([
  [
    reason.clientIdNotValid,
    "The client id is too long, or empty where a session is to be kept. Give the client a short one of its own.",
  ],
  [reason.badUserNameOrPassword, "The user name and password do not belong together, or are not known. Check both."],
  [reason.notAuthorized, "Your credential does not allow this. Ask for one that does, or do it elsewhere."],
  [reason.serverUnavailable, "The server cannot do this now. Try again later."],
  [reason.serverBusy, "The server could not keep the message. Connect again and send it again."],
  [reason.serverShuttingDown, "The server is stopping. Connect again later."],
  [
    reason.badAuthenticationMethod,
    "This server knows no such authentication method. Connect without one, or by one that it documents.",
  ],
  [
    reason.keepAliveTimeout,
    "Nothing was heard for one and a half keep-alive intervals. Send a PINGREQ in time, or ask for a longer keep-alive.",
  ],
  [reason.sessionTakenOver, "Another connection came with the same client id. Give each client one of its own."],
  [
    reason.topicFilterInvalid,
    "The filter is no topic filter, or too long. Shorten it, or see where its wildcards stand.",
  ],
  [reason.topicNameInvalid, "The topic is not one that this server accepts. Check how it is written."],
  [reason.quotaExceeded, "This client has, or sends, as much as it may. Send less, or end what is not needed."],
  [reason.administrativeAction, "The right to be here has ended. Connect with a credential that is good."],
  [
    reason.payloadFormatInvalid,
    "The payload is declared to be UTF-8 and is not. Send UTF-8, or leave the payload format indicator out.",
  ],
  [reason.retainNotSupported, "This server keeps no retained messages. Publish without the retain flag."],
  [reason.qosNotSupported, "The QoS is higher than this server takes. Its CONNACK said which is the highest."],
  [reason.useAnotherServer, "Use another server, for now."],
  [reason.serverMoved, "The server has moved. Use another one from now on."],
  [reason.maximumConnectTime, "This connection has lasted as long as it may. Connect again."],
]);

/** What to tell a person who reads the code, where nobody has said anything better. */
export const sentenceOf = (code: number): string | undefined => sentences.get(code);

/** Where a client reads so slowly that it is let go: more than its code says, which has other uses. */
export const tooSlow = "Messages come faster than this client reads them. Read faster, or subscribe to less.";
