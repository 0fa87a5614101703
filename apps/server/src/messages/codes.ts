/** What the platform itself answers with, of the reason codes of MQTT 5 (table 2-6). */
export const notAuthorized = 0x87;
export const serverUnavailable = 0x88;
export const serverBusy = 0x89;
export const badAuthenticationMethod = 0x8c;
export const topicNameInvalid = 0x90;
export const quotaExceeded = 0x97;
export const administrativeAction = 0x98;
