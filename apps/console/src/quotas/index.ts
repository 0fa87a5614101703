export { QuotaFindings, Quotas } from "./quotas.tsx";
