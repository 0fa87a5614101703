-- What the broker must not forget: sessions, the messages that they are owed, retained messages, wills. One sealed row for each
-- organisation in a commit that had any, beside what the same commit added to the log of readings. Which organisation had something
-- to keep, when, and how much of it is readable; topics, client ids and payloads are sealed.
create table message_log (
  org uuid not null,
  pos bigint not null,
  at bigint not null,
  body bytea not null,
  primary key (org, pos)
);
alter table message_log alter column body set storage external;
select tenant_table('message_log', 'read');
-- Rows that a newer picture of the whole replaces go; none is ever changed.
grant delete on message_log to :app;
select ingest_table('message_log');
select functions_may('message_log', 'select');

-- Whose sessions have to be remembered at a start, and how far the committer came.
create function message_log_orgs() returns table (org uuid, pos bigint, at bigint)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org, max(pos), max(at) from message_log group by org order by org $$;

-- As in 0010, and the messages.
create or replace function erase_org(wanted uuid) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      -- The owner, as whom this runs, is bound to one organisation like everybody.
      perform set_config('app.org', wanted::text, true);
      delete from message_log where org = wanted;
      delete from presence where org = wanted;
      delete from series where org = wanted;
      delete from chunk where org = wanted;
      delete from log where org = wanted;
      delete from device_tag where org = wanted;
      delete from device where org = wanted;
      delete from product where org = wanted;
      delete from application where org = wanted;
      delete from invitation where org = wanted;
      delete from member where org = wanted;
      delete from credential where org = wanted;
      delete from revocation where org = wanted;
      delete from replay where org = wanted;
      delete from audit where org = wanted;
      delete from organisation where org = wanted;
      delete from token_key where org = wanted;
      return query select true;
    end
  $$;
