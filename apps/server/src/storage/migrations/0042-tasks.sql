-- Tasks on the boards of groups. How far each is and who has it until when can be read; what it is and what became of it is sealed.
create table group_task (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  grp uuid not null,
  -- Place in `taskStates`. Below 2 it is open.
  state smallint not null,
  -- How often it was leased: answers carry it.
  lease integer not null,
  holder uuid,
  until bigint,
  created_at bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  foreign key (org, grp) references device_group (org, id) on delete cascade
);
create index on group_task (org, grp, created_at, id);
create index on group_task (org, holder) where state = 1;
create index on group_task (until) where state = 1;
create index on group_task (expires_at) where state = 0;
create index on group_task (ended_at) where ended_at is not null;
select tenant_table('group_task', 'all');
select functions_may('group_task', 'select');

-- Organisations with leases or tasks that are over by now, or tasks that ended before the other moment and may go.
create function orgs_with_tasks_due(now bigint, before bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select t.org from group_task t where t.state = 1 and t.until <= now
    union
    select t.org from group_task t where t.state = 0 and t.expires_at <= now
    union
    select t.org from group_task t where t.ended_at <= before
  $$;
