import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { paths } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type One = Reply<typeof routes.simulateChange>["newlyRefused"]["devices"]["items"][number];
const own = words.trying;

/** Somebody whom a change would touch, one of the things that would be answered otherwise, and the clause that decides. */
export function Touched({ one: { id, action, about, because } }: { readonly one: One }) {
  return (
    <>
      {id.startsWith("dev_") ? <Device id={id} /> : id.startsWith("per_") ? <Person id={id} /> : id}
      {`: ${own.what(action)}`}
      {about !== undefined &&
        about !== id &&
        (about.startsWith("dev_") ? (
          <>
            {" "}
            <Device id={about} />
          </>
        ) : (
          ` ${about}`
        ))}
      {because !== undefined && ` (${because})`}
    </>
  );
}

/** By its name, which the answer does not have. */
function Device({ id }: { readonly id: string }) {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["device", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readDevice, { params: { device: id }, signal }),
  });
  return (
    <Link to={paths.device} params={{ org: org.id, device: id }}>
      {data?.name ?? id}
    </Link>
  );
}

/** Only whoever may read members is told of people. */
function Person({ id }: { readonly id: string }) {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["members", org.id, "all"],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listMembers, { query: { limit: 1_000 }, signal }),
  });
  return data?.items.find(({ person }) => person === id)?.email ?? id;
}
