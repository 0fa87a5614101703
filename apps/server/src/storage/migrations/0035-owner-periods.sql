-- Whose a device was, from when on, so that what it measured then can be erased by itself; and chunks in the object store.

-- Readings are sealed under a key of the device and of one period of it. The first, 0, has a row once there is another. It begins behind a position
-- of the log. `erased_at`: its key is destroyed, or is about to be; `done_at`: nothing of it is left in chunks, log and object store.
create table owner_period (
  org uuid not null references organisation (org) on delete cascade,
  device uuid not null,
  number integer not null,
  from_pos bigint not null,
  app_user uuid,
  erased_at bigint,
  done_at bigint,
  primary key (org, device, number)
);
create index on owner_period (org, app_user) where app_user is not null;
create index on owner_period (org) where erased_at is not null and done_at is null;
select tenant_table('owner_period', 'all');
select functions_may('owner_period', 'select');

create function orgs_erasing() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct org from owner_period where erased_at is not null and done_at is null $$;

-- Whose devices are already: what they have measured so far counts as theirs.
do $$
declare
  one uuid;
begin
  for one in select a.org from all_orgs() a loop
    perform set_config('app.org', one::text, true);
    insert into owner_period (org, device, number, from_pos, app_user)
      select org, id, 0, 0, app_user from device where org = one and app_user is not null;
  end loop;
end $$;

-- Under the key of which period a chunk is sealed. Its bytes are `data`, or in an object of the store, and then the row says where in it.
alter table chunk add column period integer not null default 0;
alter table chunk alter column data drop not null;
alter table chunk add column object bigint, add column object_at integer, add column object_length integer;

-- Objects in the store, each of one organisation and month. `state` is 'writing' from before its first byte is there until chunks point to it,
-- and 'gone' from when none does any more until it is removed. `live` is how many bytes of it chunks still point to.
create sequence cold_object_id;
grant usage on sequence cold_object_id to :app;
create table cold_object (
  org uuid not null references organisation (org) on delete cascade,
  id bigint not null,
  name text not null,
  month bigint not null,
  state text not null check (state in ('writing', 'written', 'gone')),
  bytes integer not null,
  live integer not null,
  primary key (org, id)
);
create index on cold_object (org) where state <> 'written';
select tenant_table('cold_object', 'all');
select functions_may('cold_object', 'select');

-- Everything before it that may be in the store is there; a late chunk sets it back.
create table cold_mark (
  org uuid primary key references organisation (org) on delete cascade,
  until bigint not null
);
select tenant_table('cold_mark', 'all');

create function orgs_with_left_objects() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct o.org from cold_object o where o.state <> 'written' $$;

create function cold_object_names() returns table (name text)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select o.name from cold_object o $$;
