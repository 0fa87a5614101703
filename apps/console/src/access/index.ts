export { AddCredential } from "./add-credential.tsx";
export { CredentialPage } from "./credential.tsx";
export { Credentials } from "./credentials.tsx";
export { Lists } from "./lists.tsx";
export { People } from "./people.tsx";
export { AddRole, RolePage } from "./role.tsx";
export { useRoles } from "./use-roles.ts";
export { Roles } from "./roles.tsx";
export { Customers } from "./customers.tsx";
