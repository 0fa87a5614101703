-- What chunks need once they are written: to be joined where they are small or late, and to go when they are older than is kept.

-- Months of series in which chunks lie that came late, or across others: written with the flush that leaves them, taken away once they are joined.
-- So a stop loses nothing of what is to be done. `since` is when the first of `chunks` was left.
create table untidy (
  org uuid not null references organisation (org) on delete cascade,
  series bigint not null,
  month bigint not null,
  chunks integer not null,
  since bigint not null,
  primary key (org, series, month)
) with (fillfactor = 80);
select tenant_table('untidy', 'all');
select functions_may('untidy', 'select');

create function orgs_untidy(settled_by bigint, enough integer) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct u.org from untidy u where u.since <= settled_by or u.chunks >= enough $$;

-- How far a job got that goes over all of an organisation: the next part is behind `reached`. `began_at` is when this pass began, `done_at` when
-- the one before was over.
create table chunk_job (
  org uuid not null references organisation (org) on delete cascade,
  job text not null,
  began_at bigint,
  reached bigint not null,
  done_at bigint,
  primary key (org, job)
) with (fillfactor = 80);
select tenant_table('chunk_job', 'all');

-- How long readings are kept: what the organisation says (`about` is itself), and what its products say. Sealed, because it names attributes.
create table retention (
  org uuid not null references organisation (org) on delete cascade,
  about uuid not null,
  version integer not null,
  body bytea not null,
  primary key (org, about)
);
select tenant_table('retention', 'all');

-- Months that there are, such as `2026_11`, oldest first; and which organisations have chunks in one: one look at the index for each of them.
select functions_may('chunk', 'select');
create function chunk_months() returns table (name text)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select substring(c.relname from 'chunk_(.*)')
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'chunk'::regclass order by 1
  $$;

create function orgs_in_month(month_first bigint, month_past bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    with recursive found as (
      (select k.org from chunk k where k.first >= month_first and k.first < month_past order by k.org limit 1)
      union all
      select (select k.org from chunk k where k.org > f.org and k.first >= month_first and k.first < month_past order by k.org limit 1)
        from found f where f.org is not null
    )
    select f.org from found f where f.org is not null
  $$;

-- A month goes as a whole when nobody has anything in it but these, of whom nothing in it is kept any more. Where a reader is in the way it is
-- left for the next time.
create function drop_month(part text, month_first bigint, month_past bigint, expired uuid[]) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      set local lock_timeout = '2s';
      execute format('lock table holdfast.%I in access exclusive mode', 'chunk_' || part);
      if exists (select from chunk k where k.first >= month_first and k.first < month_past and k.org <> all (expired)) then
        return query select false;
        return;
      end if;
      execute format('drop table holdfast.%I', 'chunk_' || part);
      return query select true;
    end
  $$;

-- What was left small or across others before this was written down.
do $$
declare
  one uuid;
begin
  for one in select a.org from all_orgs() a loop
    perform set_config('app.org', one::text, true);
    insert into untidy (org, series, month, chunks, since)
      select org, series, month, small, 0
        from (select org, series, (extract(epoch from date_trunc('month', to_timestamp(first / 1000.0), 'UTC')) * 1000)::bigint as month,
                     count(*) filter (where count < 512) as small
                from chunk where org = one group by org, series, month) found
       where small > 1;
  end loop;
end $$;
