import { Link, useNavigate } from "@tanstack/react-router";
import { columnsOf, DataTable, Empty, EntityId, Listing, paths, Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AccessFrame } from "./frame.tsx";
import { useRoles, type Role } from "./use-roles.ts";

const own = words.roles;

/** What somebody may be here, and how many are. */
export function Roles() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const list = useRoles();
  const columns = columnsOf<Role>([
    {
      id: "name",
      head: words.common.name,
      width: 150,
      grows: true,
      cell: ({ id, name }) => (
        <Link to={paths.role} params={{ org: org.id, role: id }}>
          {name}
        </Link>
      ),
    },
    { id: "for", head: own.description, width: 240, grows: true, cell: ({ description }) => description },
    { id: "members", head: words.people.members, width: 90, cell: ({ members }) => members },
    { id: "grants", head: words.access.grants, width: 240, grows: true, cell: ({ grants }) => grants.join(", ") },
    {
      id: "id",
      head: words.common.id,
      width: 276,
      cell: ({ id, name }) => (id === name ? own.builtIn : <EntityId id={id} />),
    },
  ]);
  return (
    <AccessFrame
      lead={own.lead}
      actions={
        <Press
          why={can("role.update") ? undefined : words.common.notAllowed("role.update")}
          onClick={() => void navigate({ to: paths.addRole, params: { org: org.id } })}
        >
          {own.add}
        </Press>
      }
    >
      {can("role.read") ? (
        <Listing list={list} empty={<Empty>{own.lead}</Empty>}>
          <DataTable
            label={words.access.tabs.roles}
            rows={list.rows}
            columns={columns}
            idOf={({ id }) => id}
            nameOf={({ name }) => name}
          />
        </Listing>
      ) : (
        <Empty>{words.common.notAllowed("role.read")}</Empty>
      )}
    </AccessFrame>
  );
}
