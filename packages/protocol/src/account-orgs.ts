import { noReply } from "./shapes.ts";
import { route } from "./route.ts";

/** What a person does about the organisations that she belongs to, whether they let her in or not. */
export const leaveOrganisation = route({
  method: "POST",
  path: "/v1/account/organisations/{org}/leave",
  summary:
    "Ends her membership of an organisation, also where that does not let her in now, with all that was made with her sign-ins there. The last owner stays.",
  needs: "public",
  reply: noReply,
  session: "asks",
  isConfirmed: true,
});
