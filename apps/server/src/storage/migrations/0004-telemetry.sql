-- What devices measured: the log that acknowledgements rest on, and the chunks that it becomes.
-- Which device sent how much, and when, is readable; attribute names, values and times within a chunk are sealed.

-- One sealed record for each organisation in a commit. A partition is a segment; it goes, with its key, once every series in it
-- has been written to chunks.
create table log (
  org uuid not null,
  segment bigint not null,
  pos bigint not null,
  at bigint not null,
  body bytea not null,
  primary key (org, segment, pos)
) partition by range (segment);
alter table log alter column body set storage external;
select tenant_table('log', 'read');
select ingest_table('log');
select functions_may('log', 'select');

-- What must not begin again when the log is empty: the committer's own counters.
create table log_mark (
  only_one boolean primary key default true check (only_one),
  segment bigint not null,
  pos bigint not null,
  at bigint not null
);
insert into log_mark (segment, pos, at) values (0, 0, 0);

-- One attribute of one device. `pos` is how far into the log its chunks reach: replay goes on behind it.
create table series (
  org uuid not null,
  id bigint generated always as identity,
  device uuid not null,
  name_index bytea not null,
  pos bigint not null,
  body bytea not null,
  primary key (org, id),
  unique (org, device, name_index),
  foreign key (org, device) references device (org, id)
);
select tenant_table('series', 'all');

-- Ciphertext does not compress, so nobody tries; months are partitions, so that what is old can go as a whole.
create table chunk (
  org uuid not null,
  series bigint not null,
  first bigint not null,
  pos bigint not null,
  last bigint not null,
  count integer not null,
  data bytea not null,
  rollup bytea,
  primary key (org, series, first, pos)
) partition by range (first);
alter table chunk alter column data set storage external, alter column rollup set storage external;
select tenant_table('chunk', 'all');

create function log_state() returns table (segment bigint, pos bigint, at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select greatest(m.segment, coalesce(max(l.segment), 0)), greatest(m.pos, coalesce(max(l.pos), 0)), greatest(m.at, coalesce(max(l.at), 0))
      from log_mark m left join log l on true group by m.segment, m.pos, m.at
  $$;

create function log_segments() returns table (segment bigint, pos bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select segment, max(pos) from log group by segment order by segment $$;

create function log_orgs() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct org from log $$;

create function open_segment(number bigint) returns table (made boolean)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ select make_partition('holdfast.log', 'log_' || number, number, number + 1) $$;

create function drop_segment(number bigint, reached bigint, seen bigint) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      update log_mark m set segment = greatest(m.segment, number), pos = greatest(m.pos, reached), at = greatest(m.at, seen);
      execute format('drop table if exists holdfast.%I', 'log_' || number);
      return query select true;
    end
  $$;

-- A month of chunks, from its first millisecond up to the next one's.
create function open_month(name text, first bigint, past bigint) returns table (made boolean)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ select make_partition('holdfast.chunk', 'chunk_' || name, first, past) $$;
