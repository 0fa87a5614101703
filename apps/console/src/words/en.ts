/**
 * Every word that a person reads in the console, in English, by the page that says it. Another language is another folder of this shape.
 * They are passed on name by name, never as one object: so each place's words are in the files of that place, and what everybody loads
 * first has only those that every page says.
 */
export { activating } from "./en/activating.ts";
export { access, rotating, wear, lists, revoking } from "./en/access.ts";
export { alerts } from "./en/alerts.ts";
export { account } from "./en/account.ts";
export { audit } from "./en/audit.ts";
export { product, skipToContent, places, common, table, problem, state, time } from "./en/common.ts";
export { customers } from "./en/customers.ts";
export { device, mqttSessions } from "./en/device.ts";
export { devices } from "./en/devices.ts";
export { naming } from "./en/naming.ts";
export { groups } from "./en/groups.ts";
export { certificates, gateways } from "./en/gateways.ts";
export { map } from "./en/map.ts";
export { handingOver } from "./en/handing-over.ts";
export { held } from "./en/held.ts";
export { instance, instancePeople, stopped, unconfirmed } from "./en/instance.ts";
export { callOff, factorReset, passkeys } from "./en/passkeys.ts";
export { ownership } from "./en/ownership.ts";
export { manufacturers } from "./en/manufacturers.ts";
export { people, invitation } from "./en/people.ts";
export { posture } from "./en/posture.ts";
export { products, door } from "./en/products.ts";
export { byProvider, providers } from "./en/providers.ts";
export { retention } from "./en/retention.ts";
export { roots } from "./en/roots.ts";
export { roles } from "./en/roles.ts";
export { password } from "./en/password.ts";
export { session } from "./en/session.ts";
export { demands, security, settings } from "./en/settings.ts";
export { barred, shell, search, overview } from "./en/shell.ts";
export { sessionLimits, signedIn } from "./en/sessions.ts";
export { trying } from "./en/trying.ts";
export { commands, twin } from "./en/twins.ts";
export { usage } from "./en/usage.ts";
export { userLists } from "./en/user-lists.ts";
export { dashboards } from "./en/dashboards.ts";
