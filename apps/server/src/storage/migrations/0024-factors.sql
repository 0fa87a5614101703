-- Second factors of people, who belong to no organisation. The secret is sealed, and bound to whose it is and since when.

create table person_totp (
  person uuid primary key references person (id) on delete cascade,
  created_at bigint not null,
  -- The thirty seconds of the last code that was taken: each is taken once.
  last_step bigint not null,
  -- Codes that were wrong since the last right one, and before when none is looked at.
  wrong integer not null default 0,
  next_at bigint not null default 0,
  body bytea not null
);

-- What is left of her recovery codes: a keyed digest of each, so that whoever writes here and has no keys makes none.
create table recovery_code (
  person uuid not null references person (id) on delete cascade,
  digest bytea not null,
  primary key (person, digest)
);

select instance_table('person_totp', 'select, insert, update, delete');
select instance_table('recovery_code', 'select, insert, delete');
