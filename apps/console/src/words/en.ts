import { activating } from "./en/activating.ts";
import { access, rotating, wear, lists, revoking } from "./en/access.ts";
import { account } from "./en/account.ts";
import { audit } from "./en/audit.ts";
import { product, skipToContent, places, common, table, problem, state, time } from "./en/common.ts";
import { customers } from "./en/customers.ts";
import { device, mqttSessions } from "./en/device.ts";
import { devices } from "./en/devices.ts";
import { held } from "./en/held.ts";
import { instance, instancePeople, stopped, unconfirmed } from "./en/instance.ts";
import { callOff, factorReset, passkeys } from "./en/passkeys.ts";
import { people, invitation } from "./en/people.ts";
import { products, door } from "./en/products.ts";
import { byProvider, providers } from "./en/providers.ts";
import { retention } from "./en/retention.ts";
import { roles } from "./en/roles.ts";
import { password } from "./en/password.ts";
import { session } from "./en/session.ts";
import { demands, security, settings } from "./en/settings.ts";
import { barred, shell, search, overview } from "./en/shell.ts";
import { sessionLimits, signedIn } from "./en/sessions.ts";
import { trying } from "./en/trying.ts";
import { usage } from "./en/usage.ts";
import { userLists } from "./en/user-lists.ts";

/** Every word that a person reads in the console, in English, by the page that says it. Another language is another folder of this shape. */
export const en = {
  product,
  byProvider,
  providers,
  skipToContent,
  places,
  common,
  table,
  problem,
  state,
  time,
  shell,
  barred,
  account,
  search,
  overview,
  devices,
  device,
  mqttSessions,
  products,
  door,
  retention,
  audit,
  usage,
  access,
  activating,
  rotating,
  wear,
  lists,
  trying,
  userLists,
  revoking,
  held,
  roles,
  people,
  invitation,
  instance,
  instancePeople,
  stopped,
  unconfirmed,
  passkeys,
  callOff,
  factorReset,
  customers,
  demands,
  security,
  settings,
  sessionLimits,
  signedIn,
  password,
  session,
} satisfies Catalogue;

type Entry = string | ((...given: never[]) => string);
interface Catalogue {
  readonly [name: string]: Entry | Catalogue;
}
