import { unlessBroken } from "@holdfast/crypto";
import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import { taskStates, type TaskState } from "@holdfast/protocol";
import { listed, type After, type Listed, type Unit } from "../storage/index.ts";
import { asOf, type Leased, type Task } from "./task.ts";

type Row = {
  readonly id: string;
  readonly grp: string;
  readonly state: number;
  readonly lease: number;
  readonly holder: string | null;
  readonly until: string | number | null;
  readonly created_at: string | number;
  readonly expires_at: string | number;
  readonly ended_at: string | number | null;
  readonly version: number;
  readonly body: Uint8Array;
};

const columns = "id, grp, state, lease, holder, until, created_at, expires_at, ended_at, version, body";
/** The first state that is an end. */
const ends = taskStates.indexOf("done");
const [waiting, leased] = [taskStates.indexOf("waiting"), taskStates.indexOf("leased")];

/** Tasks as PostgreSQL keeps them; of a group, and in the order in which they were put. */
export const tasksIn = (unit: Unit) => ({
  async find(group: Id<"group">, id: Id<"task">): Promise<Task | undefined> {
    return (await this.some("grp = $1 and id = $2", [uuidOf(group), uuidOf(id)]))[0];
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(group: Id<"group">, id: Id<"task">): Promise<Task | undefined> {
    return (await this.some("grp = $1 and id = $2 for update", [uuidOf(group), uuidOf(id)]))[0];
  },

  /** Those that nobody has. What another unit looks at is left to it. */
  async takeFree(group: Id<"group">, most: number): Promise<readonly Task[]> {
    return this.sound(
      `grp = $1 and ((state = $2 and expires_at > $4) or (state = $3 and until <= $4 and expires_at > $4))
        order by created_at, id limit $5 for update skip locked`,
      [uuidOf(group), waiting, leased, unit.at, most],
    );
  },

  async takeHeld(device: Id<"device">, group?: Id<"group">): Promise<readonly Leased[]> {
    const held = await this.sound("state = $1 and holder = $2 and ($3::uuid is null or grp = $3) for update", [
      leased,
      uuidOf(device),
      group ? uuidOf(group) : null,
    ]);
    return held.flatMap((task) => (task.state === "leased" ? [task] : []));
  },

  async takeDue(most: number): Promise<readonly Task[]> {
    const due = "(state = $1 and until <= $3) or (state = $2 and expires_at <= $3)";
    return this.sound(`(${due}) limit $4 for update skip locked`, [leased, waiting, unit.at, most]);
  },

  /** Newest first, each as it is by now. */
  async list(
    group: Id<"group">,
    state: TaskState | undefined,
    after: After | undefined,
    most: number,
  ): Promise<readonly Listed<Task, Id<"task">>[]> {
    const rows = await unit.query<Row>(
      `select ${columns} from group_task where grp = $1 and ($2::int is null or state = $2) and ($3::bigint is null or (created_at, id) < ($3, $4::uuid))
        order by created_at desc, id desc limit $5`,
      [uuidOf(group), state ? taskStates.indexOf(state) : null, after?.at ?? null, after?.id ?? null, most],
    );
    return rows.map((row) =>
      listed(idFrom("task", row.id), Number(row.created_at), () => asOf(taskOf(unit, row), unit.at)),
    );
  },

  async countOpen(group: Id<"group">): Promise<number> {
    const [row] = await unit.query<{ count: string }>("select count(*) from group_task where grp = $1 and state < $2", [
      uuidOf(group),
      ends,
    ]);
    return Number(row?.count ?? 0);
  },

  async removeEndedBefore(before: number): Promise<void> {
    await unit.query("delete from group_task where ended_at <= $1", [before]);
  },

  async some(where: string, values: readonly unknown[]): Promise<readonly Task[]> {
    const rows = await unit.query<Row>(`select ${columns} from group_task where ${where}`, values);
    return rows.map((row) => taskOf(unit, row));
  },

  /** Those that open. What was altered keeps nobody from the others: nobody is ever given it, so it goes, which the audit log tells. */
  async sound(where: string, values: readonly unknown[]): Promise<readonly Task[]> {
    for (;;) {
      const rows = await unit.query<Row>(`select ${columns} from group_task where ${where}`, values);
      const tasks: Task[] = [];
      const broken: Row[] = [];
      for (const row of rows) {
        const task = unlessBroken(() => taskOf(unit, row));
        if (task) tasks.push(task);
        else broken.push(row);
      }
      if (broken.length === 0) return tasks;
      await unit.query("delete from group_task where id = any($1::uuid[])", [broken.map(({ id }) => id)]);
      for (const { id, grp } of broken)
        unit.audit({ what: "task.altered", about: idFrom("group", grp), facts: { task: idFrom("task", id) } });
    }
  },

  /** Whether it was not there yet; whoever adds the same at the same time is waited for. */
  async add(task: Task): Promise<boolean> {
    const added = await unit.query(`${insert} on conflict (org, id) do nothing returning 1`, valuesOf(unit, task));
    return added.length > 0;
  },

  async save(task: Task): Promise<void> {
    await unit.query(
      `${insert} on conflict (org, id) do update set state = excluded.state, lease = excluded.lease,
         holder = excluded.holder, until = excluded.until, ended_at = excluded.ended_at, version = excluded.version,
         body = excluded.body`,
      valuesOf(unit, task),
    );
  },
});

const insert = `insert into group_task (org, ${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

function valuesOf({ scope }: Unit, task: Task): readonly unknown[] {
  const { id, group, state, lease, createdAt, expiresAt, version, ...rest } = task;
  return [
    uuidOf(scope.org),
    uuidOf(id),
    uuidOf(group),
    taskStates.indexOf(state),
    lease,
    "holder" in task ? uuidOf(task.holder) : null,
    "until" in task ? task.until : null,
    createdAt,
    expiresAt,
    "endedAt" in task ? task.endedAt : null,
    version,
    scope.seal("task", rowOf(task), new TextEncoder().encode(JSON.stringify(rest))),
  ];
}

type Place = Pick<Task, "id" | "group" | "state" | "lease" | "createdAt" | "expiresAt" | "version">;

/** Bound to all that can be read of its row, so that nothing of it can be altered by itself. */
const rowOf = ({ id, group, state, lease, createdAt, expiresAt, version }: Place): string =>
  [id, group, state, lease, createdAt, expiresAt, version].join("|");

function taskOf({ scope }: Unit, row: Row): Task {
  const place: Place = {
    id: idFrom("task", row.id),
    group: idFrom("group", row.grp),
    state: taskStates[row.state] ?? "cancelled", // a column of ours
    lease: row.lease,
    createdAt: Number(row.created_at) as Instant, // columns of ours
    expiresAt: Number(row.expires_at) as Instant,
    version: row.version,
  };
  // Sealed by `save`, so it is what such a task has beside: who holds it and until when too.
  const rest = JSON.parse(new TextDecoder().decode(scope.open("task", rowOf(place), row.body))) as Partial<Task>;
  return { body: undefined, ...rest, ...place } as Task;
}
