export { useRevoking } from "./use-revoking.tsx";
export { RevokeMany } from "./revoke-many.tsx";
export { Ending } from "./what-ends.tsx";
