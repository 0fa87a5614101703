-- Organisations, their members and credentials, what was revoked, and the audit entries.
-- Who, what belongs to what, and when are readable; names, grants, kinds and roles are sealed in `body`.

create table organisation (
  org uuid primary key,
  created_at bigint not null,
  version integer not null,
  body bytea not null
);

create table member (
  org uuid not null references organisation (org),
  person uuid not null references person (id),
  body bytea not null,
  primary key (org, person)
);

create table credential (
  org uuid not null references organisation (org),
  id uuid not null,
  prefix text not null check (prefix in ('key', 'token')),
  parent uuid,
  parent_prefix text,
  person uuid,
  application uuid,
  device uuid,
  issued_seq bigint not null,
  created_at bigint not null,
  expires_at bigint,
  last_used_at bigint,
  -- SHA-256 of a key's 256-bit secret, or of the nonce inside a token: neither leads back.
  digest bytea not null,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  foreign key (org, parent) references credential (org, id)
);
create unique index on credential (id);
create index on credential (org, created_at, id);
create index on credential (org, device) where device is not null;

create table revocation (
  org uuid not null,
  about text not null,
  ends text not null check (ends in ('people', 'programs', 'devices')),
  seq bigint not null,
  at bigint not null,
  primary key (org, about, ends)
);

create table audit (
  org uuid not null,
  seq bigint generated always as identity,
  id uuid not null,
  about text not null,
  at bigint not null,
  body bytea not null,
  primary key (org, seq)
);
create index on audit (org, about, seq);

-- Requests with an Idempotency-Key: one per key and organisation, in the transaction of the change itself.
create table replay (
  org uuid not null,
  key bytea not null,
  request bytea not null,
  at bigint not null,
  body bytea,
  primary key (org, key)
);

select tenant_table('organisation', 'all');
select tenant_table('member', 'all');
select tenant_table('credential', 'all');
select tenant_table('revocation', 'all');
select tenant_table('audit', 'append');
select tenant_table('replay', 'all');

-- What the functions below look up, before an organisation is known.
select functions_may('organisation', 'select');
select functions_may('member', 'select');
select functions_may('credential', 'select');

create function org_of_credential(wanted uuid) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from credential where id = wanted $$;

-- What the platform's own start needs: which organisations there are.
create function all_orgs() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from organisation order by created_at $$;

create function orgs_of_person(wanted uuid) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from member where person = wanted order by org $$;
