import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import type { Tools } from "./tools.ts";

type Lists = Reply<typeof routes.listDeviceUserEntries>;
type Entry = Lists["items"][number];

/** What the user whose a device is lets reach it. */
export function showUserLists(lists: Lists, { print }: Tools): void {
  const columns = [
    { title: "ID", cell: ({ id }: Entry) => id },
    { title: "LIST", cell: ({ list }: Entry) => list },
    { title: "WHAT", cell: ({ what }: Entry) => what },
    { title: "VALUE", cell: ({ value }: Entry) => value },
    { title: "ABOUT", cell: ({ device }: Entry) => device ?? "all of hers" },
    { title: "COMMENT", cell: ({ comment }: Entry) => comment },
    { title: "EXPIRES", cell: ({ expiresAt }: Entry) => print.ago(expiresAt) },
    { title: "HITS", cell: ({ hits }: Entry) => String(hits) },
    { title: "LAST", cell: ({ lastHitAt }: Entry) => print.ago(lastHitAt) },
  ];
  const none = lists.user
    ? `${lists.user}, whose it is, lists nothing about it.`
    : "It is nobody's. holdfast device bind says whose a device is.";
  print.list(lists, columns, none);
}
