-- What is used: a row for each connection, and what each hour had. Times, numbers and which credential, device, application and person
-- are readable; addresses, client ids and the way in are sealed. Which plan an organisation has is a name that the administrator gave.

-- Rows go with their organisation.
create table connection (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  -- places in the lists of accounting/connection.ts
  over smallint not null,
  credential text not null,
  application uuid,
  device uuid,
  person uuid,
  began_at bigint not null,
  -- none while it is open
  ended_at bigint,
  cause smallint,
  messages_in bigint not null,
  messages_out bigint not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  body bytea not null,
  primary key (org, id)
) with (fillfactor = 80); -- of an open one the numbers are raised in place
create index on connection (org, began_at, id);
create index on connection (org, device, began_at, id) where device is not null;
create index on connection (org, credential, began_at, id);
create index on connection (org) where ended_at is null;
create index on connection (began_at);
select tenant_table('connection', 'all');
select functions_may('connection', 'select');
select functions_may('connection', 'update');
select functions_may('connection', 'delete');

-- `run` is which start of a server counted it: a row is what that one counted in the hour, written as it stands, so that writing it again
-- changes nothing. Hours that are older than connections are kept become days, of run 0.
create table usage (
  org uuid not null references organisation (org) on delete cascade,
  hour bigint not null,
  run bigint not null,
  over smallint not null,
  credential text not null,
  application uuid,
  device uuid,
  connections bigint not null,
  messages_in bigint not null,
  messages_out bigint not null,
  bytes_in bigint not null,
  bytes_out bigint not null,
  requests bigint not null,
  points bigint not null,
  unique nulls not distinct (org, hour, run, over, credential, application, device)
) with (fillfactor = 80);
create index on usage (hour);
select tenant_table('usage', 'all');
select functions_may('usage', 'select');
select functions_may('usage', 'insert');
select functions_may('usage', 'update');
select functions_may('usage', 'delete');

-- A named set of quotas, and who has it.
create table plan (
  name text primary key,
  quotas jsonb not null
);
select instance_table('plan', 'select, insert, update, delete');

create table org_plan (
  org uuid primary key references organisation (org) on delete cascade,
  plan text not null references plan (name)
);
select tenant_table('org_plan', 'all');
select functions_may('org_plan', 'select');

-- That a quota was nearly used, or is: told once in a month.
create table quota_notice (
  org uuid not null references organisation (org) on delete cascade,
  month bigint not null,
  quota text not null,
  state text not null,
  primary key (org, month, quota, state)
);
select tenant_table('quota_notice', 'all');

create function plan_uses() returns table (plan text, orgs bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select plan, count(*) from org_plan group by plan $$;

-- At start: whoever was connected when the last server ended without a word is not any more.
create function end_connections(stopped bigint, why smallint) returns table (connections bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$
    with ended as (
      update connection set ended_at = greatest(began_at, stopped), cause = why where ended_at is null returning 1)
    select count(*) from ended
  $$;

create function forget_connections(past bigint) returns table (connections bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$
    with gone as (delete from connection where began_at < past and ended_at < past returning 1) select count(*) from gone
  $$;

-- Hours before `past` become days; what is older than `oldest` goes.
create function fold_usage(past bigint, oldest bigint) returns table (hours bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$
    with forgotten as (delete from usage where hour < oldest),
    gone as (delete from usage where hour < past and hour >= oldest and run <> 0 returning *),
    days as (
      insert into usage
        select org, hour - hour % 86400000, 0, over, credential, application, device, sum(connections), sum(messages_in),
            sum(messages_out), sum(bytes_in), sum(bytes_out), sum(requests), sum(points)
          from gone group by 1, 2, over, credential, application, device
      on conflict (org, hour, run, over, credential, application, device) do update set
        connections = usage.connections + excluded.connections,
        messages_in = usage.messages_in + excluded.messages_in,
        messages_out = usage.messages_out + excluded.messages_out,
        bytes_in = usage.bytes_in + excluded.bytes_in,
        bytes_out = usage.bytes_out + excluded.bytes_out,
        requests = usage.requests + excluded.requests,
        points = usage.points + excluded.points
    )
    select count(*) from gone
  $$;
