export { useRevoking } from "./use-revoking.tsx";
export { RevokeMany } from "./revoke-many.tsx";
