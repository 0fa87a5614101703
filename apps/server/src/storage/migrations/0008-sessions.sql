-- People in browsers. The cookie holds 256 random bits, of which only SHA-256 is kept; `proof` is sealed and binds the columns
-- to each other, so that whoever writes here and has no keys signs nobody in.

create table session (
  digest bytea primary key,
  person uuid not null references person (id) on delete cascade,
  -- Its place among revocations, in every organisation of that person.
  issued_seq bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  seen_at bigint not null,
  proof bytea not null
);
create index on session (person);

select instance_table('session', 'select, insert, update, delete');

-- In each organisation where it is used, a session is a credential like others.
alter table credential drop constraint credential_prefix_check;
alter table credential add constraint credential_prefix_check check (prefix in ('key', 'token', 'session'));
