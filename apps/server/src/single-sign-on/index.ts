export { Arriving } from "./arriving.ts";
export { Domains, provenDomainsIn } from "./domains.ts";
export { Errands } from "./errand.ts";
export { Leaving } from "./leaving.ts";
export { Linking } from "./linking.ts";
export { Providers } from "./providers.ts";
export { SigningIn } from "./signing-in.ts";
