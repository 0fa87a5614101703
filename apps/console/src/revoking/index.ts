export { useRevoking } from "./use-revoking.tsx";
