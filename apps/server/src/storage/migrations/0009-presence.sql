-- Which devices are connected, since when, and why they went. Readable, because it is times and small numbers; who changes the
-- list of causes appends to it (messages/presence.ts).
create table presence (
  org uuid not null,
  device uuid not null,
  -- 0 was never connected, 1 is, 2 went at `since` because of `cause`
  state smallint not null,
  cause smallint,
  since bigint,
  -- 0 is never
  heard_at bigint not null,
  primary key (org, device),
  foreign key (org, device) references device (org, id)
) with (fillfactor = 80); -- `heard_at` is raised in place
select tenant_table('presence', 'all');
select functions_may('presence', 'select');
select functions_may('presence', 'update');

-- At start: whoever was connected when the last server ended without a word is not any more.
create function end_presences(stopped bigint, why smallint) returns table (devices bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$
    with ended as (
      update presence set state = 2, cause = why, since = greatest(since, heard_at, stopped) where state = 1 returning 1)
    select count(*) from ended
  $$;
