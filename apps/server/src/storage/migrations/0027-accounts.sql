-- Accounts of people: letters to them, links that were sent, and what is done for them after it was asked.

-- Letters, until the mail server has taken them. What they say is sealed; to whom is a keyed digest, by which they are counted.

create table outbox (
  id uuid primary key,
  recipient bytea not null,
  -- What it is about: each kind is counted by itself.
  kind text not null,
  created_at bigint not null,
  -- By then it is worth nothing any more.
  until bigint not null,
  -- When it is tried next. Without it the letter is done with, and its row stays a day to be counted.
  due_at bigint,
  attempts integer not null default 0,
  body bytea,
  check ((due_at is null) = (body is null))
);
create index on outbox (due_at) where due_at is not null;
create index on outbox (recipient, created_at);

select instance_table('outbox', 'select, insert, update, delete');

-- Sealed with the row: a person's row is changed under the version that was read.
alter table person add column version integer not null default 0;

-- Links in letters: of a secret its digest. For whom and for what is sealed.
create table account_link (
  digest bytea primary key,
  person uuid not null references person (id) on delete cascade,
  expires_at bigint not null,
  body bytea not null
);
create index on account_link (person);
create index on account_link (expires_at);
select instance_table('account_link', 'select, insert, update, delete');

-- What was asked for and is done in a moment, over a restart too: whoever asked learns nothing from how long it takes.
create table errand (
  id uuid primary key,
  created_at bigint not null,
  body bytea not null
);
create index on errand (created_at, id);
select instance_table('errand', 'select, insert, update, delete');

-- What somebody signed in with is found by her.
create index on credential (org, person) where person is not null;

-- An invitation that is mailed has another secret than the one that whoever invited is shown: with it the address is proved.
alter table invitation add column mailed_digest bytea;
create unique index on invitation (mailed_digest) where mailed_digest is not null;
create or replace function org_of_invitation(wanted bytea) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from invitation where digest = wanted or mailed_digest = wanted $$;
