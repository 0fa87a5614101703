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

-- What must not begin again when the log is empty: the committer's own counters, and the greatest time in segments that went.
-- A segment's number is raised here before anything of it exists, so none is ever used twice.
create table log_mark (
  only_one boolean primary key default true check (only_one),
  segment bigint not null,
  pos bigint not null,
  at bigint not null
);
insert into log_mark (segment, pos, at) values (0, 0, 0);

-- One attribute of one device. `pos` is how far into the log its chunks reach: replay goes on behind it. `given` is the last
-- time that readings without one were given up to there. `body` (name and type) is sealed to device, name and id.
create sequence series_id;
grant usage on sequence series_id to :app;
create table series (
  org uuid not null,
  id bigint not null,
  device uuid not null,
  name_index bytea not null,
  pos bigint not null,
  given bigint not null,
  body bytea not null,
  primary key (org, id),
  unique (org, device, name_index),
  foreign key (org, device) references device (org, id)
) with (fillfactor = 80); -- with every flush `pos` is raised in place
select tenant_table('series', 'all');

-- Ciphertext does not compress, so nobody tries; months are partitions, so that what is old can go as a whole. No chunk reaches
-- from one month into the next. Which chunks touch a range is answered from the index alone.
create table chunk (
  org uuid not null,
  series bigint not null,
  first bigint not null,
  pos bigint not null,
  last bigint not null,
  count integer not null,
  data bytea not null,
  rollup bytea,
  primary key (org, series, first, pos) include (last, count)
) partition by range (first);
alter table chunk alter column data set storage external, alter column rollup set storage external;
select tenant_table('chunk', 'all');

create function log_state() returns table (segment bigint, pos bigint, at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select segment, pos, at from log_mark $$;

-- Every partition of the log, also one that nothing was written to.
create function log_segments() returns table (segment bigint, pos bigint, at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$
    select part.number, coalesce(max(l.pos), 0), coalesce(max(l.at), 0)
      from (select substring(c.relname from 'log_(\d+)')::bigint as number
              from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'log'::regclass) part
      left join log l on l.segment = part.number
     group by part.number order by part.number
  $$;

create function log_orgs() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct org from log $$;

-- Asked twice because an answer was lost, it opens two; a start drops those that stayed empty.
create function open_segment() returns table (number bigint)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      update log_mark set segment = segment + 1 returning segment into number;
      perform make_partition('holdfast.log', 'log_' || number, number, number + 1);
      return next;
    end
  $$;

create function drop_segment(number bigint, reached bigint, seen bigint) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      update log_mark m set pos = greatest(m.pos, reached), at = greatest(m.at, seen);
      execute format('drop table if exists holdfast.%I', 'log_' || number);
      return query select true;
    end
  $$;

-- A month of chunks, from its first millisecond up to the next one's.
create function open_month(name text, first bigint, past bigint) returns table (made boolean)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ select make_partition('holdfast.chunk', 'chunk_' || name, first, past) $$;
