-- What a device that sends frames over UDP or bare TCP is found by stands where the digest of a secret stands elsewhere: six bytes, which it shows to
-- everybody. They are read as a whole at a start, so that a flood of unknown ones asks the database nothing.
create unique index on credential (digest) where length(digest) = 6;

create function socket_addresses() returns table (org uuid, id uuid, address bytea)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, id, digest from credential where length(digest) = 6 $$;

-- Which frames were kept, so that none is kept twice: one sealed row for each organisation in a commit that had any, beside the readings that the
-- same commit added to the log; now and then one that says all, in place of those before. Which organisation had frames and when is readable.
create table socket_log (
  -- Goes with its organisation: `erase_org` need not name it.
  org uuid not null references organisation (org) on delete cascade,
  pos bigint not null,
  at bigint not null,
  body bytea not null,
  primary key (org, pos)
);
alter table socket_log alter column body set storage external;
select tenant_table('socket_log', 'all');
select ingest_table('socket_log');
