-- Second factors of people, who belong to no organisation. The secret of one-time passwords is sealed, and bound to whose it is and since when.

create table person_factors (
  person uuid primary key references person (id) on delete cascade,
  -- Grows with whatever changes here and among the recovery codes: the keyring's journal has it, too, so that an older backup is known.
  seq bigint not null,
  created_at bigint,
  -- None where codes are off.
  body bytea,
  -- The thirty seconds of the last code that was taken: each is taken once.
  last_step bigint not null default 0,
  -- Codes that were wrong since the last right one, and before when none is looked at.
  wrong integer not null default 0,
  next_at bigint not null default 0
);

-- What is left of her recovery codes: a keyed digest of each, so that whoever writes here and has no keys makes none.
create table recovery_code (
  person uuid not null references person (id) on delete cascade,
  digest bytea not null,
  primary key (person, digest)
);

select instance_table('person_factors', 'select, insert, update, delete');
select instance_table('recovery_code', 'select, insert, delete');
