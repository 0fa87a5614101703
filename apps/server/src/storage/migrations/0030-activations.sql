-- Programs that ask to be let in by a person in her browser (RFC 8628). Of what the program shows only SHA-256 is kept, of what she types a
-- keyed digest, because that is short enough to be tried out. What is sealed in `body` binds the digest and the end.

create table activation (
  digest bytea primary key,
  code_index bytea not null unique,
  expires_at bigint not null,
  -- When its program asked last, and how many milliseconds it has to wait in between.
  heard_at bigint,
  pause int not null,
  body bytea not null
);
create index on activation (expires_at);

select instance_table('activation', 'select, insert, update, delete');
