import { routes } from "@holdfast/protocol";
import { on, type Certified, type Handler } from "../authority/index.ts";
import { Enrolment } from "./enrolment.ts";
import { attributes, inLines, requestIn } from "./est.ts";

export function enrolmentRoutes(needs: ConstructorParameters<typeof Enrolment>[0]): Handler[] {
  const enrolment = new Enrolment(needs);
  const reply = async ({ issued }: Certified) => inLines(await enrolment.bundle(issued.certificate));
  return [
    on(routes.estCaCerts, async ({ caller }) => inLines(await enrolment.authoritiesOf(caller.org))),
    on(routes.estCaCertsOf, async ({ params }) => inLines(await enrolment.authoritiesAt(params["label"] ?? ""))),
    on(routes.estCsrAttrs, async () => attributes),
    on(routes.estCsrAttrsOf, async () => attributes),
    on(routes.estEnrol, async ({ caller, body }) => reply(await enrolment.enrol(caller, undefined, requestIn(body)))),
    on(routes.estEnrolIn, async ({ caller, params, body }) =>
      reply(await enrolment.enrol(caller, params["label"], requestIn(body))),
    ),
    on(routes.estRenew, async ({ permit, body }) => reply(await enrolment.renew(permit, requestIn(body)))),
    on(routes.estRenewIn, async ({ permit, body }) => reply(await enrolment.renew(permit, requestIn(body)))),
  ];
}
