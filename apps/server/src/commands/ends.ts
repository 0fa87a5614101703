import { isRefusal, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { DeviceSeal, DeviceSeals } from "../telemetry/index.ts";
import { asOf, cancel, isOpen, type Command } from "./command.ts";
import { careIn, commandsIn } from "./postgres.ts";

/** How many commands whose time is over are written down at once. */
const dueAtOnce = 500;

/** What has expired is written down. */
export async function endExpired(seals: DeviceSeals, unit: Unit): Promise<void> {
  const found = new Map<Id<"device">, Seal>();
  for (const { device, command } of await careIn(unit).due(dueAtOnce)) {
    const seal = found.get(device) ?? (await sealOf(seals, unit, device));
    found.set(device, seal);
    await end(unit, device, seal, command, (one) => asOf(one, unit.at));
  }
}

/** Within the unit that retires a device: what it was asked and has not done ends with it. */
export async function endOpen(seals: DeviceSeals, unit: Unit, device: Id<"device">): Promise<void> {
  const reason = "device.retired";
  const open = await careIn(unit).openOf(device, unit.at);
  if (open.length === 0) return;
  const seal = await sealOf(seals, unit, device);
  for (const id of open)
    await end(unit, device, seal, id, (command) => {
      if (!isOpen(command)) return command;
      const facts = { command: id, name: command.name, from: command.state, reason };
      unit.audit({ what: "command.cancelled", about: device, facts });
      return cancel(command, unit.at, reason);
    });
}

/** `destroyed` with the device's data; `missing` where the keyring has not got it, or not as it was. */
type Seal = DeviceSeal | "destroyed" | "missing";

async function sealOf(seals: DeviceSeals, unit: Unit, device: Id<"device">): Promise<Seal> {
  try {
    return await seals.of(unit, device);
  } catch (error) {
    if (isRefusal(error, "device.erased")) return "destroyed";
    if (isRefusal(error, "keyring.incomplete") || isRefusal(error, "seal.broken")) return "missing";
    throw error;
  }
}

async function end(
  unit: Unit,
  device: Id<"device">,
  seal: Seal,
  id: Id<"command">,
  ended: (command: Command) => Command,
): Promise<void> {
  // Nobody is kept from retiring a device by a missing key, nor others from their ends: what it seals is not sent either, and waits for it.
  if (seal === "missing") return;
  const care = careIn(unit);
  if (seal === "destroyed") return care.remove(id);
  try {
    const rows = commandsIn(unit, device, seal);
    const command = await rows.take(id);
    if (command) await rows.save(ended(command));
    else await care.remove(id);
  } catch (error) {
    // It was altered, so that nobody is given it: it goes as if it had ended now.
    if (!isRefusal(error, "seal.broken")) throw error;
    await care.remove(id);
    unit.audit({ what: "command.altered", about: device, facts: { command: id } });
  }
}
