-- Whom the change of a claim has still to be told to by mail: written with the change itself. Which device, whose and what happened is sealed.
create table claim_notice (
  org uuid not null references organisation (org) on delete cascade,
  id uuid not null,
  created_at bigint not null,
  due_at bigint not null,
  body bytea not null,
  primary key (org, id)
);
create index on claim_notice (due_at);
select tenant_table('claim_notice', 'all');
select functions_may('claim_notice', 'select');

create function orgs_with_claim_notices(now bigint) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select distinct n.org from claim_notice n where n.due_at <= now $$;
