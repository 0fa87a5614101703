-- The ground that every later migration stands on, and the few tables that belong to no organisation.
--
-- HOW TO WRITE THE NEXT ONE
-- * A file `NNNN-name.sql` with the next number. It runs once, in a transaction, as the role that owns the schema, with
--   `holdfast` as search path. Released files never change.
-- * A table of an organisation's rows has `org uuid not null`; its key and its foreign keys begin with `org`. After making
--   it: `select tenant_table('t', 'all');`, or 'append' (insert and select) or 'read'. What the committer
--   writes to, also: `select ingest_table('t');`. Partitions are made by `make_partition` only.
-- * A table without organisation: `select instance_table('t', 'select, insert');`, and its name in `inspect.ts`.
-- * Functions for the doors `directory` and `maintain` are SECURITY DEFINER with `set search_path = holdfast, pg_temp`, and
--   stand in `functions.ts`, which also says who may call them: no grant is needed here. They run as the owner, whom row-level
--   security binds as well: `select functions_may('t', 'select');` lets them read all rows of that one table.
-- * A migration that changes rows does so per organisation: `set_config('app.org', …, true)`, as everybody.
-- * :owner :app :directory :instance :ingest :maintain stand for this instance's roles.
-- * Times are milliseconds in `bigint`.

-- Nobody but the owner may call a function unless `functions.ts` says so.
alter default privileges revoke execute on functions from public;

grant usage on schema holdfast to :app, :directory, :instance, :ingest, :maintain;

-- Row-level security as the self-check expects it: forced, and one policy for the roles that act for one organisation. The
-- owner is bound too: a migration that forgets about organisations fails, and functions set each organisation in turn.
-- The inner select makes the comparison an index condition. An organisation that was not set is an error, not an empty answer.
create function guard_table(t regclass) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from pg_attribute where attrelid = t and attname = 'org' and atttypid = 'uuid'::regtype and attnotnull
  ) then
    raise exception '% needs a column org uuid not null', t;
  end if;
  execute format('alter table %s enable row level security', t);
  execute format('alter table %s force row level security', t);
  execute format(
    'create policy one_org on %s to :app, :ingest, :owner
       using (org = (select current_setting(''app.org'')::uuid))
       with check (org = (select current_setting(''app.org'')::uuid))', t);
end $$;

-- `power` is 'all', 'append' or 'read': what an organisation's unit of work may do with its own rows.
create function tenant_table(t regclass, power text) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  part regclass;
begin
  perform holdfast.guard_table(t);
  -- A partition that is named directly is protected by its own policy, and by having no grants at all.
  for part in select relid from pg_partition_tree(t) where relid <> t loop
    perform holdfast.guard_table(part);
  end loop;
  execute format('grant %s on %s to :app', case power
    when 'all' then 'select, insert, update, delete'
    when 'append' then 'select, insert'
    when 'read' then 'select'
  end, t);
end $$;

-- In addition to `tenant_table`: the committer may add rows, and not read them.
create function ingest_table(t regclass) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin execute format('grant insert on %s to :ingest', t); end $$;

-- SECURITY DEFINER functions may do this (select, insert, update or delete) with the rows of all organisations in `t`.
-- To update or delete, they have to be able to select too.
create function functions_may(t regclass, command text) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  clauses text := case command
    when 'select' then 'using (true)'
    when 'delete' then 'using (true)'
    when 'insert' then 'with check (true)'
    when 'update' then 'using (true) with check (true)'
  end;
begin
  execute format('create policy functions_%s on %s for %s to :owner %s', command, t, command, clauses);
end $$;

-- A partition of `parent` from `first` up to but without `past`, protected like it. Answers false when it is there already.
create function make_partition(parent regclass, name text, first bigint, past bigint) returns boolean
  language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  policy record;
begin
  if to_regclass(format('holdfast.%I', name)) is not null then
    return false;
  end if;
  execute format('create table holdfast.%I partition of %s for values from (%L) to (%L)', name, parent, first, past);
  perform holdfast.guard_table(format('holdfast.%I', name)::regclass);
  -- By name: a cast to regclass here may be tried on tables of schemas that the owner may not look into.
  for policy in
    select cmd from pg_policies p join pg_class c on c.oid = parent
     where p.schemaname = 'holdfast' and p.tablename = c.relname and policyname like 'functions\_%'
  loop
    perform holdfast.functions_may(format('holdfast.%I', name)::regclass, lower(policy.cmd));
  end loop;
  return true;
end $$;

-- A table that belongs to no organisation.
create function instance_table(t regclass, powers text) returns void
  language plpgsql set search_path = pg_catalog, pg_temp
as $$ begin execute format('grant %s on %s to :instance', powers, t); end $$;

-- One row: which keyring these data belong to.
create table instance (
  only_one boolean primary key default true check (only_one),
  id uuid not null,
  made_at bigint not null,
  -- The greatest time ever seen: what expired by it stays expired when the clock is set back.
  high_water bigint not null,
  -- How often a server took these data into service: see lock.ts.
  served bigint not null default 0
);

-- People, whatever organisations they belong to. E-mail, name and password are in `body`, which is sealed.
create table person (
  id uuid primary key,
  email_index bytea not null unique,
  created_at bigint not null,
  body bytea not null
);

-- The one-time link by which the first person sets the platform up: its digest, and when it was taken.
create table setup (
  digest bytea primary key,
  expires_at bigint not null,
  taken_at bigint
);

-- Which organisation's key opens an API token. Read as a whole at start, before any organisation is known.
create table token_key (
  kid text primary key,
  org uuid not null,
  kind text not null,
  created_at bigint not null
);

select instance_table('instance', 'select');
select instance_table('person', 'select, insert, update, delete');
select instance_table('setup', 'select, insert, update, delete');
select instance_table('token_key', 'select, insert, delete');

-- One order of all revocations and of everything that was issued.
create sequence revocation_seq;
grant usage on sequence revocation_seq to :app, :instance;

create function high_water() returns table (at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select high_water from instance $$;

-- It only rises.
create function raise_high_water(seen bigint) returns table (at bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ update instance set high_water = greatest(high_water, seen) returning high_water $$;

-- After a restored backup: the sequence goes on behind what the keyring's journal knows.
create function advance_revocations(seen bigint) returns table (seq bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ select setval('revocation_seq', greatest(seen, (select last_value from revocation_seq))) $$;
