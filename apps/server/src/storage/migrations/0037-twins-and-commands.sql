-- Twins: what is wanted of a device and what it says of itself. Both are sealed under the key of the device and of the period of its owner
-- (`owner_period`): a row of another period is not shown, and the next change takes its place. Versions go on over periods.
create table twin (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  period integer not null,
  desired_version integer not null,
  desired_at bigint,
  reported_version integer not null,
  reported_at bigint,
  body bytea not null,
  primary key (org, device)
);
select tenant_table('twin', 'all');

-- Who changed what, the last of each side.
create table twin_change (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  side text not null check (side in ('desired', 'reported')),
  version integer not null,
  period integer not null,
  at bigint not null,
  body bytea not null,
  primary key (org, device, side, version)
);
select tenant_table('twin_change', 'all');

-- Commands to devices. How far each is and since when can be read; its name, its body, who sent it and the reply are sealed under the key of the
-- device and of the period of its owner, like its twin: of another period nothing is shown, and nothing delivered.
create table command (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  device uuid not null,
  period integer not null,
  batch uuid,
  -- Place in `commandStates`. Below 4 it is open.
  state smallint not null,
  created_at bigint not null,
  expires_at bigint not null,
  sent_at bigint,
  acknowledged_at bigint,
  ended_at bigint,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
create index on command (org, device, created_at, id);
create index on command (org, batch, created_at, id) where batch is not null;
create index on command (expires_at) where state < 4;
create index on command (ended_at) where ended_at is not null;
select tenant_table('command', 'all');
select functions_may('command', 'select');

create table command_batch (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  expires_at bigint not null,
  body bytea not null,
  primary key (org, id)
);
select tenant_table('command_batch', 'all');

-- Organisations with commands that have expired by then, or that ended before the other moment and may go.
create function orgs_with_commands_due(now bigint, before bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select c.org from command c where c.state < 4 and c.expires_at <= now
    union
    select c.org from command c where c.ended_at <= before
  $$;
