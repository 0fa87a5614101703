export { heldOf, noBinding, pastedFault, type AskedBinding } from "./binding.ts";
export { conditionFacts, conditionsOf, hoursFault, noConditions, type AskedConditions } from "./conditions.ts";
export { ConditionFields } from "./condition-fields.tsx";
export { IssuedCertificate } from "./issued-certificate.tsx";
export { csrFault, noRequest, requested, RequestFields, type AskedRequest } from "./request-fields.tsx";
export { KeyFields } from "./key-fields.tsx";
export { KeyUse } from "./key-use.tsx";
export { MadeOnce, type MadeCredential } from "./made-once.tsx";
export { PemArea } from "./pem-area.tsx";
