import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { locationOf, onEarth } from "./location.ts";
import type { Mark } from "./world-map.tsx";

type Product = Reply<typeof routes.listProducts>["items"][number];
type Device = Reply<typeof routes.listDevices>["items"][number];
type Latest = Reply<typeof routes.readLatestOfMany>["items"][number];

/** As many attributes may be asked about at once. */
const most = 32;
const usual = ["location", "position"];
/** By two numbers, as they are usually called. */
const pairs = [
  ["latitude", "longitude"],
  ["lat", "lon"],
  ["lat", "lng"],
] as const;

/** The attributes that may say where a device is: what products have as a location, and the usual names. */
export function placesIn(products: readonly Pick<Product, "attributes">[]): string[] {
  const said = products.flatMap(({ attributes }) =>
    Object.entries(attributes).flatMap(([name, { type }]) => (type === "location" ? [name] : [])),
  );
  return [...new Set([...usual, ...pairs.flat(), ...said])].slice(0, most);
}

/** Each device at the newest place that it has told, if it has. */
export function marksOf(
  devices: readonly Pick<Device, "id" | "name" | "presence">[],
  latest: readonly Pick<Latest, "device" | "attribute" | "time" | "value">[],
): Mark[] {
  const byDevice = Map.groupBy(latest, ({ device }) => device);
  return devices.flatMap(({ id, name, presence }): Mark[] => {
    const told = byDevice.get(id) ?? [];
    const numberOf = (attribute: string) => told.find((one) => one.attribute === attribute);
    const places = told.flatMap(({ time, value }) => {
      const at = locationOf(value);
      return at ? [{ time, at }] : [];
    });
    for (const [latitude, longitude] of pairs) {
      const [north, east] = [numberOf(latitude), numberOf(longitude)];
      const at = onEarth(north?.value, east?.value);
      if (north && at) places.push({ time: north.time, at });
    }
    const [newest] = places.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
    return newest
      ? [{ id, name, isOnline: presence.state === "online", x: newest.at.longitude, y: -newest.at.latitude }]
      : [];
  });
}
