-- Passkeys of people (WebAuthn), who belong to no organisation. Which key, its counter and its name are sealed; one is found by a keyed digest of what
-- the authenticator calls it.

create table person_passkey (
  id uuid primary key,
  person uuid not null references person (id) on delete cascade,
  credential_index bytea not null unique,
  -- Its place among revocations: what was removed is not brought back by an older backup.
  issued_seq bigint not null,
  created_at bigint not null,
  version integer not null,
  body bytea not null
);
create index on person_passkey (person, created_at, id);

-- Questions that were answered, until they would be too old in any case (decision 0023).
create table person_challenge (
  id uuid primary key,
  expires_at bigint not null
);
create index on person_challenge (expires_at);

-- Somebody who lost what she shows beside her password: after a waiting time that goes, unless it is called off.
create table factor_reset (
  person uuid primary key references person (id) on delete cascade,
  id uuid not null unique,
  -- SHA-256 of the secret in the link that calls it off.
  digest bytea not null unique,
  -- Its place among revocations: what was called off, or done, is not begun again by an older backup.
  issued_seq bigint not null,
  asked_at bigint not null,
  due_at bigint not null,
  body bytea not null
);

select instance_table('person_passkey', 'select, insert, update, delete');
select instance_table('person_challenge', 'select, insert, update, delete');
select instance_table('factor_reset', 'select, insert, update, delete');
