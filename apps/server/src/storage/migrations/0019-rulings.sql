-- What was decided last of one kind about one thing: its door, its secret, the organisation's lists. The keyring's journal has the same rows, so that
-- an older backup of this database does not bring back what was decided before. About what, and in which order, is readable.
create table ruling (
  -- Goes with its organisation: `erase_org` need not name it.
  org uuid not null references organisation (org) on delete cascade,
  about text not null,
  kind text not null,
  -- Its place in the deployment's one sequence.
  seq bigint not null,
  -- When what it is about is over by itself, where that is known: then nobody needs it any more.
  until bigint,
  body bytea not null,
  primary key (org, about, kind)
);
create index on ruling (until) where until is not null;
select tenant_table('ruling', 'all');
select functions_may('ruling', 'select');

-- The same of what a revocation ended.
alter table revocation add column until bigint;
create index on revocation (until) where until is not null;
select functions_may('revocation', 'select');

create function orgs_with_past(by bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from revocation where until <= by union select org from ruling where until <= by $$;
