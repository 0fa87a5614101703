-- Passkeys of application users (WebAuthn). Which key, its counter and its name are sealed; one is found by a keyed digest of its id.

create table app_passkey (
  org uuid not null,
  id uuid not null,
  app_user uuid not null,
  -- Of the application and of what the authenticator calls it: once in each application.
  credential_index bytea not null,
  -- Its place among revocations: what was removed is not brought back by an older backup.
  issued_seq bigint not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null,
  primary key (org, id),
  unique (org, credential_index),
  foreign key (org, app_user) references app_user (org, id) on delete cascade
);
create index on app_passkey (org, app_user, created_at, id);

-- Questions that were answered, until they would be too old in any case. Those that nobody answered are kept nowhere: see decision 0023.
create table app_challenge (
  org uuid not null,
  id uuid not null,
  application uuid not null,
  expires_at bigint not null,
  primary key (org, id),
  foreign key (org, application) references application (org, id) on delete cascade
);
create index on app_challenge (org, expires_at);

select tenant_table('app_passkey', 'all');
select tenant_table('app_challenge', 'all');

-- Whose a refresh token is that stands in an address: its digest says nothing of the organisation.
create index on app_refresh (digest);
select functions_may('app_refresh', 'select');

create function org_of_refresh(wanted bytea) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from app_refresh where digest = wanted $$;
