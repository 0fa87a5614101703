-- What authority was asked and answered, a row for each question and day, so that a change can be tried on it before it is made. Which device
-- it was about, the day and how often in each hour are readable; who asked for what, how it had come and what was answered is sealed.

create table decision (
  -- It goes with the organisation, so `erase_org` need not know of it.
  org uuid not null references organisation (org) on delete cascade,
  day bigint not null,
  -- which start of a server counted it, as in `usage`
  run bigint not null,
  -- a keyed digest of question and answer
  cell bytea not null,
  device uuid,
  hours integer[] not null,
  body bytea not null,
  primary key (org, day, run, cell)
) with (fillfactor = 80); -- the numbers are raised in place
create index on decision (day);
select tenant_table('decision', 'all');
select functions_may('decision', 'select');
select functions_may('decision', 'delete');

create function forget_decisions(past bigint) returns table (decisions bigint)
  language sql security definer set search_path = holdfast, pg_temp
  as $$ with gone as (delete from decision where day < past returning 1) select count(*) from gone $$;
