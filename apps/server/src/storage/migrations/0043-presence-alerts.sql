-- What is wrong with a device beyond being away: its place in the list of `messages/condition.ts`, and since when. Silence and flapping outlast
-- a restart, so that no restart tells them anew.
alter table presence add column trouble smallint, add column trouble_since bigint;

-- Alerts: what whoever watches devices is told. What a rule says, where a webhook leads and its secret, and why an alert was raised are sealed;
-- which devices it is about, and when, can be read as their presence can.
create table alert_rule (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
select tenant_table('alert_rule', 'all');
select functions_may('alert_rule', 'select');

create table webhook (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
select tenant_table('webhook', 'all');

create table alert (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  -- Of which it is; one of a webhook that was disabled has no rule.
  rule uuid,
  webhook uuid,
  -- Place in `alertStates`.
  state smallint not null,
  raised_at bigint not null,
  cleared_at bigint,
  -- How many devices it is or was about.
  devices integer not null,
  version integer not null,
  body bytea not null,
  primary key (org, id)
);
create index on alert (org, raised_at, id);
create index on alert (cleared_at) where cleared_at is not null;
select tenant_table('alert', 'all');
select functions_may('alert', 'select');

create table alert_device (
  org uuid not null references organisation (org) on delete cascade,
  alert uuid not null,
  device uuid not null,
  since bigint not null,
  ended_at bigint,
  primary key (org, alert, device),
  foreign key (org, alert) references alert (org, id) on delete cascade
);
create index on alert_device (org, device);
select tenant_table('alert_device', 'all');

-- Whom an alert has still to reach.
create table alert_delivery (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  alert uuid not null,
  -- 0 it was raised, 1 it is cleared
  event smallint not null,
  webhook uuid,
  person uuid,
  created_at bigint not null,
  due_at bigint not null,
  attempts integer not null,
  primary key (org, id),
  foreign key (org, alert) references alert (org, id) on delete cascade
);
select tenant_table('alert_delivery', 'all');
select functions_may('alert_delivery', 'select');

-- Organisations that have something to watch, to clear, to send or to forget.
create function orgs_with_alerts(before bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select r.org from alert_rule r
    union
    select a.org from alert a where a.cleared_at is null or a.cleared_at <= before
    union
    select d.org from alert_delivery d
  $$;
