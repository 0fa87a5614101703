-- Backups read every row of every table, and can do nothing else: a role of their own, :backup, with a policy of its own beside `one_org`.

grant usage on schema holdfast to :backup;
-- Of what the owner makes from now on: tables, their partitions, sequences.
alter default privileges in schema holdfast grant select on tables to :backup;
alter default privileges in schema holdfast grant select on sequences to :backup;

-- As in 0001, and the policy by which backups read.
create or replace function guard_table(t regclass) returns void
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
  execute format('create policy backup_reads on %s for select to :backup using (true)', t);
end $$;

-- Of what there is.
grant select on all tables in schema holdfast to :backup;
grant select on all sequences in schema holdfast to :backup;
do $$
declare
  t regclass;
begin
  for t in
    select c.oid from pg_class c where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
  loop
    execute format('create policy backup_reads on %s for select to :backup using (true)', t);
  end loop;
end $$;

-- As in 0004; and while a backup reads the log, none of it goes, for it would be neither in the chunks of the backup nor in its log. Backups hold
-- this lock, which they share (storage/snapshot.ts).
create or replace function drop_segment(number bigint, reached bigint, seen bigint) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      if not pg_try_advisory_xact_lock(7525352680829580149) then
        return query select false;
        return;
      end if;
      update log_mark m set pos = greatest(m.pos, reached), at = greatest(m.at, seen);
      execute format('drop table if exists holdfast.%I', 'log_' || number);
      return query select true;
    end
  $$;

-- Organisations that came back with a backup of which the keyring has not heard: who may what is as of then, and whatever was revoked since may be
-- missing, so nothing of them is served until one of their owners, or the administrator of the instance, says that it is as it should be.
create table unconfirmed (
  org uuid primary key references organisation (org) on delete cascade,
  since bigint not null
);
select tenant_table('unconfirmed', 'all');
select functions_may('unconfirmed', 'select');

create function orgs_unconfirmed() returns table (org uuid, since bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, since from unconfirmed order by org $$;
