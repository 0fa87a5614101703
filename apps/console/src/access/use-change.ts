import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useMutation } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { useOrg } from "../session/index.ts";

export type Written = { readonly name: string; readonly description: string; readonly grants: string[] };
export type Difference = Reply<typeof routes.applyRoles>;
type Known = Reply<typeof routes.readRole>;

/** A role is made or changed in two steps: what that would change, as the platform says it, and then the change itself. */
export function useChange(role: Known | undefined) {
  const org = useOrg();
  const look = useMutation({
    mutationFn: async ({ description, grants, name }: Written): Promise<Difference> => {
      const { roles, version } = await apiFor(org.id).call(routes.exportRoles);
      // Under the name that it has: with another one it would be another role of the file.
      const written = { name: role?.name ?? name, description, grants };
      const others = roles.filter((one) => role === undefined || one.name !== role.name);
      const body = { roles: [...others, written] };
      return apiFor(org.id).call(routes.applyRoles, { query: { dryRun: "true" }, body, ifVersion: version });
    },
  });
  const keep = useAct((body: Written) =>
    role
      ? apiFor(org.id).call(routes.updateRole, { params: { role: role.id }, body, ifVersion: role.version })
      : apiFor(org.id).call(routes.createRole, { body }),
  );
  return { look, keep };
}
